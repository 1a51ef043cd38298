"""Facts about videos as they are measured: frames at the clip's rate and size."""

import numpy as np
from coded_video import ffmpeg, steady, write_coded

from tavce.measure.reading import read_frames


def test_frames_have_the_rate_and_the_size_that_are_asked_for(tmp_path):
    coded = write_coded(tmp_path / "coded.mp4", steady(50, 20))
    ffmpeg("-i", coded, "-vf", "scale=64:64", tmp_path / "a.mp4")
    frames = read_frames(tmp_path / "a.mp4", 25, 32)
    assert np.shape(frames) == (10, 32, 32, 3)
    assert frames[0].dtype == np.uint8


def test_a_frame_is_shrunk_by_pixel_area(tmp_path):
    coded = write_coded(tmp_path / "coded.mp4", steady(25, 2))
    ffmpeg("-i", coded, "-vf", "scale=64:64", tmp_path / "a.mp4")
    (large, _), (small, _) = read_frames(tmp_path / "a.mp4", 25, 64), read_frames(tmp_path / "a.mp4", 25, 32)
    means = large.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 0.5
