"""Facts about cut clips: which frame is where, and which sample."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from coded_video import (
    click,
    coded_frame,
    ffmpeg,
    numbers,
    shown,
    steady,
    tone,
    uneven,
    write_coded,
)
from cut_clips import cut

from tavce.cutting import CutFormat, Span
from tavce.media import VideoFormat, write_video
from tavce.records import ClipError, Reason

CUT = CutFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
NTSC = Fraction(30_000, 1001)
WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
FRAME = 640  # samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cutting")


@pytest.fixture(scope="module")
def source(folder):
    """Five seconds at 25 frames a second, with a click at 3.2 s."""
    return write_coded(folder / "source.mp4", steady(25, 125), click(3.2, 5))


@pytest.mark.parametrize(("start", "frames"), [(0, 125), (0, 1), (7, 40), (26, 64), (60, 65), (124, 1)])
def test_a_cut_at_25_frames_a_second_has_exactly_the_frames_asked_for(source, start, frames):
    clip = cut(source, Span(start, frames), CUT)
    assert numbers(clip.video) == list(range(start, start + frames))
    assert clip.frames == clip.expected == frames


@pytest.mark.parametrize("start", [0, 70])
@pytest.mark.parametrize(
    "times",
    [steady(NTSC, 180), steady(30, 180), steady(12, 72), steady(10, 60), steady(60, 250), uneven(150)],
    ids=["29.97", "30", "12", "10", "60", "uneven"],
)
def test_a_cut_at_another_rate_shows_what_the_source_shows_at_that_time(folder, times, start):
    path = write_coded(folder / "other.mp4", times)
    video = _with_silence(folder, path)
    assert numbers(cut(video, Span(start, 25), CUT).video) == shown(times, start, 25)


def test_no_frame_of_a_fast_source_is_more_than_half_a_frame_away():
    for times in (steady(NTSC, 180), steady(30, 180), steady(60, 300)):
        away = [times[number] - Fraction(at, 25) for at, number in enumerate(shown(times, 0, 100))]
        assert max(map(abs, away)) <= Fraction(1, 50)


@pytest.mark.parametrize(
    ("rate_hz", "source_frames", "frames"), [(25, 75, 75), (NTSC, 90, 75), (12, 36, 75), (10, 20, 50)]
)
def test_a_whole_video_lasts_as_long_as_before(folder, rate_hz, source_frames, frames):
    path = write_coded(folder / "whole.mp4", steady(rate_hz, source_frames), tone(float(source_frames / rate_hz)))
    clip = cut(path, Span(0), CUT)
    assert (clip.frames, clip.expected) == (frames, frames)
    assert abs(len(clip.wave) - frames * FRAME) <= FRAME


def test_a_last_frame_that_outlasts_the_track_is_not_drawn_out(folder):
    path = write_coded(folder / "outlasting.mp4", steady(10, 20), tone(1.9))
    assert cut(path, Span(0), CUT).frames == 50
    content = bytearray(path.read_bytes())
    segment = content.index(b"elst") + 12  # the picture's edit list: version, count, then milliseconds
    assert int.from_bytes(content[segment : segment + 4], "big") == 2000
    content[segment : segment + 4] = (1910).to_bytes(4, "big")
    path.write_bytes(content)
    assert cut(path, Span(0), CUT).frames == 48


@pytest.mark.parametrize("start", [0, 10, 26, 61])
def test_a_click_keeps_its_place_in_the_picture(source, start):
    wave = cut(source, Span(start, 125 - start), CUT).wave
    loudest = np.abs(wave.astype(int)).argmax()
    assert abs(loudest - (3.2 * 16_000 - start * FRAME)) < FRAME / 4


def test_sound_that_begins_late_stays_late(folder, source):
    late = folder / "late.mp4"
    ffmpeg("-i", source, "-itsoffset", "0.4", "-i", source, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    wave = cut(late, Span(0, 125), CUT).wave
    assert abs(np.abs(wave.astype(int)).argmax() - 3.6 * 16_000) < FRAME / 4


def test_two_cuts_are_the_same_byte_by_byte(source):
    first, second = (cut(source, Span(3, 30), CUT) for _ in range(2))
    assert first.video.getvalue() == second.video.getvalue()
    np.testing.assert_array_equal(first.wave, second.wave)


def test_fewer_frames_than_asked_for_are_counted_as_they_are(source):
    clip = cut(source, Span(100, 50), CUT)
    assert (clip.frames, clip.expected) == (25, 50)


def test_a_truncated_video_has_fewer_frames_than_its_header_promises(folder):
    whole = folder / "truncated.mp4"
    write_video(whole, map(coded_frame, range(100)), tone(4), WRITE)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    clip = cut(whole, Span(0), CUT)
    assert clip.expected == 100
    assert clip.frames < 90


def test_a_start_beyond_the_end_is_missing_frames(source):
    with pytest.raises(ClipError, match="the picture ends at frame 125, before 200") as caught:
        cut(source, Span(200), CUT)
    assert caught.value.reason == Reason.MISSING_FRAMES


def test_a_mute_video_is_not_cut(folder):
    with pytest.raises(ClipError, match=r"no_audio: .*mute.mp4 has no audio stream"):
        cut(write_coded(folder / "mute.mp4", steady(25, 10)), Span(0, 5), CUT)


def test_a_cut_that_ffmpeg_refuses_says_why(folder, source):
    content = bytearray(source.read_bytes())
    media = content.index(b"mdat") + 4
    content[media : content.index(b"moov") - 4] = bytes(content.index(b"moov") - 4 - media)
    (folder / "hollow.mp4").write_bytes(content)
    with pytest.raises(ClipError, match=r"not_a_video: .*hollow.mp4: ffmpeg: ") as caught:
        cut(folder / "hollow.mp4", Span(0, 5), CUT)
    assert caught.value.reason == Reason.NOT_A_VIDEO


def _with_silence(folder, path):
    with_sound = folder / "with_sound.mp4"
    ffmpeg("-i", path, "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-shortest", "-c:v", "copy", with_sound)
    return with_sound


@pytest.mark.parametrize("name", ["long.mp4", "long.ts"])
def test_a_video_that_is_too_long_is_refused_whether_its_header_says_so_or_not(folder, name):
    path = write_coded(folder / "long.mp4", steady(25, 100), tone(4))
    if name.endswith(".ts"):
        ffmpeg("-i", path, "-c", "copy", folder / name)
    shape = replace(CUT, max_frames=60)
    with pytest.raises(ClipError, match=r"too_long: .*more than 60 frames: name start and end of parts of it"):
        cut(folder / name, Span(0), shape)
    assert cut(folder / name, Span(20, 60), shape).frames == 60
    assert cut(folder / name, Span(0), replace(CUT, max_frames=100)).frames == 100
