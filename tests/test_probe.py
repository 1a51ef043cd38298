"""Facts about what a file says of itself, and what is said of a file that is no video."""

import pytest
from coded_video import HEIGHT_PX, WIDTH_PX, coded_frame, ffmpeg, steady, tone, write_coded
from cut_clips import cut

from tavce import media
from tavce.cutting import CutFormat, Span
from tavce.media import VideoFormat, probe, write_video
from tavce.records import ClipError, Reason

CUT = CutFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")


@pytest.fixture
def source(tmp_path):
    """Five seconds at 25 frames a second, with sound."""
    return write_coded(tmp_path / "source.mp4", steady(25, 125), tone(5))


def test_a_probe_says_size_end_and_sound(tmp_path, source):
    coded = {"container": "mov,mp4,m4a,3gp,3g2,mj2", "codec": "h264", "rate_hz": 25}
    assert probe(source) == media.Probe(WIDTH_PX, HEIGHT_PX, 0, 5, picture=0, sound=1, indexed=True, **coded)
    assert probe(write_coded(tmp_path / "mute.mp4", steady(25, 10))).sound is None


def test_a_container_without_track_lengths_does_not_say_when_its_picture_ends(tmp_path, source):
    ffmpeg("-i", source, "-c", "copy", tmp_path / "source.mkv")
    assert probe(tmp_path / "source.mkv").picture_s is None
    clip = cut(tmp_path / "source.mkv", Span(0), CUT)
    assert (clip.frames, clip.expected) == (125, None)


def test_a_probe_names_what_is_wrong_with_a_file(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all", encoding="utf-8")
    write_video(tmp_path / "sound.mp4", [coded_frame(0)], tone(1), WRITE)
    ffmpeg("-i", tmp_path / "sound.mp4", "-vn", tmp_path / "sound.m4a")
    for name, reason, words in (
        ("nowhere.mp4", Reason.MISSING_FILE, "is not there"),
        ("empty.mp4", Reason.EMPTY_FILE, "has no bytes"),
        ("text.mp4", Reason.NOT_A_VIDEO, "Invalid data"),
        ("sound.m4a", Reason.NOT_A_VIDEO, "has no video stream"),
    ):
        with pytest.raises(ClipError, match=words) as caught:
            probe(tmp_path / name)
        assert caught.value.reason == reason
