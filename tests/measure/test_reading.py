"""Facts about videos as they are measured: frames at the clip's rate and size, and the sound that drove them."""

import dataclasses

import numpy as np
from coded_video import ffmpeg, steady, write_coded
from tiny_corpus import FRAMES

from tavce.measure.reading import read_driving_sound, read_frames


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


def test_the_driving_sound_is_that_of_the_clips_own_frames(tiny):
    entry = tiny.entries("test")[0]
    whole = read_driving_sound(entry, 640)
    later = dataclasses.replace(entry, first_frame=10, frames=FRAMES - 15)
    np.testing.assert_array_equal(read_driving_sound(later, 640), whole[6400 : (FRAMES - 5) * 640])
