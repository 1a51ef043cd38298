"""Facts about frames at a constant rate: which picture is shown when, upright, and what of a file is damaged."""

import numpy as np
import pytest
from coded_video import ffmpeg, read_number, shown, steady, tone, turn, uneven, write_coded

from tavce import media
from tavce.records import ClipError, Reason
from tavce.retiming import frames_at


def test_a_video_at_the_rate_gives_the_frames_that_it_has(tmp_path):
    path = write_coded(tmp_path / "a.mp4", steady(25, 10))
    for ours, plain in zip(frames_at(path, 25), media.decode(path), strict=True):
        np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize(
    ("times", "frames"), [(steady(30, 24), 20), (steady(50, 40), 20), (steady(10, 8), 20), (uneven(20), None)]
)
def test_another_rate_is_resampled_and_not_relabelled(tmp_path, times, frames):
    numbers = [read_number(frame) for frame in frames_at(write_coded(tmp_path / "a.mp4", times), 25)]
    assert numbers == shown(times, 0, len(numbers))
    assert frames in (None, len(numbers))


def test_a_picture_that_starts_late_is_counted_from_its_first_frame(tmp_path):
    path = write_coded(tmp_path / "late.mp4", [time + 1 for time in steady(25, 10)], tone(1.4))
    assert [read_number(frame) for frame in frames_at(path, 25)] == [*range(10)]


def test_a_turned_picture_is_upright_and_wide_pixels_are_undone(tmp_path):
    path = write_coded(tmp_path / "a.mp4", steady(25, 3))
    assert next(frames_at(turn(path, tmp_path / "turned.mp4", 90), 25)).shape == (128, 64, 3)
    ffmpeg("-i", path, "-vf", "setsar=2", tmp_path / "wide.mp4")
    assert next(frames_at(tmp_path / "wide.mp4", 25)).shape == (64, 256, 3)


def test_a_file_that_ends_early_is_damaged(tmp_path):
    path = write_coded(tmp_path / "a.mp4", steady(25, 100), tone(4))
    ffmpeg("-i", path, "-c", "copy", "-movflags", "+faststart", tmp_path / "fast.mp4")
    content = (tmp_path / "fast.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 3 // 4])
    decoded = []
    with pytest.raises(ClipError, match=r"cut\.mp4: ") as caught:
        decoded.extend(frames_at(tmp_path / "cut.mp4", 25))
    assert caught.value.reason == Reason.DAMAGED
    assert 25 < len(decoded) <= 100


def test_a_file_without_a_picture_that_decodes_is_damaged(tmp_path):
    path = write_coded(tmp_path / "a.mp4", steady(25, 10))
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    with pytest.raises(ClipError, match=r"a\.mp4") as caught:
        list(frames_at(path, 25))
    assert caught.value.reason == Reason.DAMAGED
