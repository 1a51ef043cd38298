"""Facts about another method's videos: what is kept with a note, and what is dropped for which reason."""

from pathlib import Path

import numpy as np
import pytest
from coded_video import ffmpeg, tone

from tavce.files import sha256
from tavce.media import VideoFormat, write_video
from tavce.methods.judge import Wanted, judge
from tavce.records import ClipError, Reason

FRAMES, SIDE = 40, 64
WANTED = Wanted(FRAMES, 25, SIDE, max_frames_apart=5)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """The video that is wanted: 40 frames of noise, 64 px, with sound."""
    path = tmp_path_factory.mktemp("judged") / "good.mp4"
    noise = np.random.default_rng(1).integers(0, 255, (FRAMES, SIDE, SIDE, 3), np.uint8)
    write_video(path, noise, tone(FRAMES / 25), VideoFormat(25, 16_000, 30, "ultrafast"))
    return path


def made(good: Path, name: str, *arguments: str) -> Path:
    ffmpeg("-i", good, *arguments, good.with_name(name))
    return good.with_name(name)


def test_a_video_as_wanted_is_kept_without_a_note(good):
    judged = judge(good, WANTED)
    assert judged.notes == []
    assert judged.numbers == {
        "fps": 25.0,
        "width": SIDE,
        "height": SIDE,
        "frames_found": FRAMES,
        "frames_wanted": FRAMES,
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "codec": "h264",
        "has_sound": 1,
        "sha256": sha256(good),
    }


@pytest.mark.parametrize(
    ("name", "arguments", "notes", "numbers"),
    [
        ("30.mp4", ("-r", "30"), ["30 frames a second: read at 25"], {"fps": 30, "frames_found": 40}),
        ("large.mp4", ("-vf", "scale=96:96"), ["96 px: resized to 64"], {"width": 96, "height": 96}),
        ("less.mp4", ("-frames:v", "35"), ["35 frames, the clip has 40"], {"frames_found": 35}),
        ("more.mp4", ("-vf", "tpad=stop=5"), ["45 frames, the clip has 40"], {"frames_found": 45}),
        ("mute.mp4", ("-an",), ["no sound: the clip's own is used"], {"has_sound": 0}),
        (
            "other.avi",
            ("-an", "-c:v", "mjpeg"),
            ["no sound: the clip's own is used"],
            {"container": "avi", "codec": "mjpeg"},
        ),
        ("other.mkv", ("-c", "copy"), [], {"container": "matroska,webm", "codec": "h264"}),
    ],
)
def test_what_differs_and_can_be_read_is_kept_with_a_note(good, name, arguments, notes, numbers):
    judged = judge(made(good, name, *arguments), WANTED)
    assert judged.notes == notes
    assert judged.numbers.items() >= numbers.items()


@pytest.mark.parametrize(
    ("name", "arguments", "reason", "words"),
    [
        (
            "short.mp4",
            ("-frames:v", "34"),
            Reason.TOO_SHORT,
            "34 frames at 25 a second, the clip has 40, and score",
        ),
        ("long.mp4", ("-vf", "tpad=stop=6"), Reason.TOO_LONG, "46 frames at 25 a second, the clip has 40"),
        (
            "labelled.mp4",
            ("-vf", "setpts=PTS*25/30", "-r", "30"),
            Reason.TOO_SHORT,
            "33 frames at 25 a second, the clip has 40",
        ),
        ("wide.mp4", ("-vf", "scale=96:64"), Reason.WRONG_SIZE, "96×64 px: wanted is 64×64, or any square"),
        ("sound.m4a", ("-vn",), Reason.NOT_A_VIDEO, "has no video stream"),
        ("sound.mp4", ("-vn",), Reason.NOT_A_VIDEO, "has no video stream"),
    ],
)
def test_what_cannot_be_compared_is_dropped_with_what_was_found_and_wanted(good, name, arguments, reason, words):
    with pytest.raises(ClipError, match=words) as caught:
        judge(made(good, name, *arguments), WANTED)
    assert caught.value.reason == reason
    assert name in caught.value.detail


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, Reason.MISSING_FILE), (b"", Reason.EMPTY_FILE), (b"no video at all", Reason.NOT_A_VIDEO)],
)
def test_what_is_no_video_is_dropped(tmp_path, content, reason):
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClipError) as caught:
        judge(path, WANTED)
    assert caught.value.reason == reason


def test_a_video_that_ends_early_is_dropped(good, tmp_path):
    content = made(good, "fast.mp4", "-c", "copy", "-movflags", "+faststart").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(ClipError) as caught:
        judge(tmp_path / "cut.mp4", WANTED)
    assert caught.value.reason in (Reason.TOO_SHORT, Reason.DAMAGED)


def test_a_video_without_a_frame_is_dropped(good):
    with pytest.raises(ClipError, match="0 frames, then ffmpeg") as caught:
        judge(made(good, "none.avi", "-an", "-c:v", "mjpeg", "-frames:v", "0"), WANTED)
    assert caught.value.reason == Reason.DAMAGED
