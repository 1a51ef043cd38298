"""Facts about cut and written videos: which frame is where, and which sample."""

import shutil
from fractions import Fraction

import av
import numpy as np
import pytest
from coded_video import (
    HEIGHT_PX,
    WIDTH_PX,
    click,
    coded_frame,
    ffmpeg,
    numbers,
    read_number,
    shown,
    steady,
    tone,
    uneven,
    write_coded,
)

from tavce import media
from tavce.files import sha256
from tavce.media import CutFormat, VideoFormat, cut, decode, read_wave, write_video
from tavce.records import ClipError, Reason

CUT = CutFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
NTSC = Fraction(30_000, 1001)
FRAME = 640  # samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def source(folder):
    """Five seconds at 25 frames a second, with a click at 3.2 s."""
    return write_coded(folder / "source.mp4", steady(25, 125), click(3.2, 5))


@pytest.mark.parametrize(("start", "frames"), [(0, 125), (0, 1), (7, 40), (26, 64), (60, 65), (124, 1)])
def test_a_cut_at_25_frames_a_second_has_exactly_the_frames_asked_for(source, start, frames):
    clip = cut(source, start, frames, CUT)
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
    assert numbers(cut(video, start, 25, CUT).video) == shown(times, start, 25)


def test_no_frame_of_a_fast_source_is_more_than_half_a_frame_away():
    for times in (steady(NTSC, 180), steady(30, 180), steady(60, 300)):
        away = [times[number] - Fraction(at, 25) for at, number in enumerate(shown(times, 0, 100))]
        assert max(map(abs, away)) <= Fraction(1, 50)


@pytest.mark.parametrize(
    ("rate_hz", "source_frames", "frames"), [(25, 75, 75), (NTSC, 90, 75), (12, 36, 75), (10, 20, 50)]
)
def test_a_whole_video_lasts_as_long_as_before(folder, rate_hz, source_frames, frames):
    path = write_coded(folder / "whole.mp4", steady(rate_hz, source_frames), tone(float(source_frames / rate_hz)))
    clip = cut(path, 0, None, CUT)
    assert (clip.frames, clip.expected) == (frames, frames)
    assert abs(len(clip.wave) - frames * FRAME) <= FRAME


def test_a_last_frame_that_outlasts_the_track_is_not_drawn_out(folder):
    path = write_coded(folder / "outlasting.mp4", steady(10, 20), tone(1.9))
    assert cut(path, 0, None, CUT).frames == 50
    content = bytearray(path.read_bytes())
    segment = content.index(b"elst") + 12  # the picture's edit list: version, count, then milliseconds
    assert int.from_bytes(content[segment : segment + 4], "big") == 2000
    content[segment : segment + 4] = (1910).to_bytes(4, "big")
    path.write_bytes(content)
    assert cut(path, 0, None, CUT).frames == 48


@pytest.mark.parametrize("start", [0, 10, 26, 61])
def test_a_click_keeps_its_place_in_the_picture(source, start):
    wave = cut(source, start, 125 - start, CUT).wave
    loudest = np.abs(wave.astype(int)).argmax()
    assert abs(loudest - (3.2 * 16_000 - start * FRAME)) < FRAME / 4


def test_sound_that_begins_late_stays_late(folder, source):
    late = folder / "late.mp4"
    ffmpeg("-i", source, "-itsoffset", "0.4", "-i", source, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    wave = cut(late, 0, 125, CUT).wave
    assert abs(np.abs(wave.astype(int)).argmax() - 3.6 * 16_000) < FRAME / 4


def test_a_turned_picture_is_turned_back(folder, source):
    turned = folder / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", source, "-c", "copy", turned)
    (frame,) = decode(cut(turned, 5, 1, CUT).video)
    assert frame.shape == (WIDTH_PX, HEIGHT_PX, 3)
    assert read_number(np.rot90(frame, -1)) == 5


def test_wide_pixels_become_square(folder, source):
    wide = folder / "wide.mp4"
    ffmpeg("-i", source, "-vf", "setsar=3/2", "-frames:v", "10", "-t", "0.4", wide)
    (frame,) = decode(cut(wide, 5, 1, CUT).video)
    assert frame.shape == (HEIGHT_PX, WIDTH_PX * 3 // 2, 3)
    assert read_number(frame) == 5


def test_an_odd_size_becomes_even(folder, source):
    odd = folder / "odd.mp4"
    ffmpeg("-i", source, "-vf", "scale=127:63,format=yuv444p", "-t", "0.4", odd)
    (frame,) = decode(cut(odd, 5, 1, CUT).video)
    assert frame.shape == (62, 126, 3)
    assert read_number(frame) == 5


def test_two_cuts_are_the_same_byte_by_byte(source):
    first, second = (cut(source, 3, 30, CUT) for _ in range(2))
    assert first.video == second.video
    np.testing.assert_array_equal(first.wave, second.wave)


def test_fewer_frames_than_asked_for_are_counted_as_they_are(source):
    clip = cut(source, 100, 50, CUT)
    assert (clip.frames, clip.expected) == (25, 50)


def test_a_truncated_video_has_fewer_frames_than_its_header_promises(folder):
    whole = folder / "truncated.mp4"
    write_video(whole, map(coded_frame, range(100)), tone(4), WRITE)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    clip = cut(whole, 0, None, CUT)
    assert clip.expected == 100
    assert clip.frames < 90


def test_a_start_beyond_the_end_is_missing_frames(source):
    with pytest.raises(ClipError, match="the picture ends at frame 125, before 200") as caught:
        cut(source, 200, None, CUT)
    assert caught.value.reason == Reason.MISSING_FRAMES


def test_a_cut_that_ffmpeg_refuses_says_why(folder):
    silent = write_coded(folder / "silent.mp4", steady(25, 10))
    with pytest.raises(ClipError, match=r"not_a_video: .*silent.mp4: ffmpeg: ") as caught:
        cut(silent, 0, 5, CUT)
    assert caught.value.reason == Reason.NOT_A_VIDEO


def test_a_written_video_has_every_frame_and_the_sound(tmp_path):
    write_video(tmp_path / "out.mp4", map(coded_frame, range(50)), click(1.0, 2.0), WRITE)
    assert numbers((tmp_path / "out.mp4").read_bytes()) == list(range(50))
    assert media.frame_count((tmp_path / "out.mp4").read_bytes()) == 50
    wave = read_wave(tmp_path / "out.mp4", 16_000)
    assert abs(np.abs(wave).argmax() - 16_000) < FRAME / 4
    assert abs(len(wave) - 32_000) < 3 * 1024


def test_two_written_videos_are_the_same_byte_by_byte_and_name_no_encoder(tmp_path):
    for name in ("one.mp4", "two.mp4"):
        write_video(tmp_path / name, map(coded_frame, range(30)), tone(1.2), WRITE)
    assert sha256(tmp_path / "one.mp4") == sha256(tmp_path / "two.mp4")
    assert b"Lavf" not in (tmp_path / "one.mp4").read_bytes()


def test_a_comment_is_in_the_file(tmp_path):
    write_video(tmp_path / "out.mp4", [coded_frame(1)], tone(0.04), VideoFormat(25, 16_000, 18, "ultrafast", "made up"))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["comment"] == "made up"


def test_a_written_video_that_ffmpeg_refuses_says_why(tmp_path):
    odd = np.zeros((63, 127, 3), np.uint8)
    with pytest.raises(ClipError, match=r"ffmpeg: .*not divisible by 2"):
        write_video(tmp_path / "odd.mp4", [odd] * 500, tone(1), WRITE)


def test_an_error_among_the_frames_comes_through(tmp_path):
    def broken():
        yield coded_frame(0)
        raise RuntimeError("no more frames")

    with pytest.raises(RuntimeError, match="no more frames"):
        write_video(tmp_path / "broken.mp4", broken(), tone(1), WRITE)


def test_a_video_of_no_frames_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_video(tmp_path / "none.mp4", [], tone(1), WRITE)


def test_the_sound_of_a_mute_video_is_refused(folder):
    with pytest.raises(ClipError, match=r"no_audio: .* has no audio stream"):
        read_wave(write_coded(folder / "no_sound.mp4", steady(25, 5)), 16_000)


def test_a_file_without_picture_has_no_frames(folder):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", folder / "tone.m4a")
    assert media.frame_count((folder / "tone.m4a").read_bytes()) == 0


def test_the_systems_ffmpeg_comes_first(monkeypatch):
    media.ffmpeg_path.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert media.ffmpeg_path() == "/usr/bin/ffmpeg"
    monkeypatch.undo()
    media.ffmpeg_path.cache_clear()


def _with_silence(folder, path):
    with_sound = folder / "with_sound.mp4"
    ffmpeg("-i", path, "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-shortest", "-c:v", "copy", with_sound)
    return with_sound
