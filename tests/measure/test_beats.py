import numpy as np
import pytest
from tiny_corpus import tiny_settings

from tavce.measure.beats import BeatGroup, audio_beats, beat_alignment, motion_beats
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.measurements import MeasurementError, Measurements


def face_that_goes(speed_px: np.ndarray) -> np.ndarray:
    """Return landmarks [T + 1, 68, 2] of a face, 40 px between the eyes, moved by so much from frame to frame."""
    face = np.random.default_rng(0).uniform(0, 100, (68, 2))
    face[36], face[45] = (10, 20), (50, 20)
    way = np.concatenate([[0], np.cumsum(speed_px)])
    return (face + way[:, None, None] * [1, 0]).astype(np.float32)


def test_the_alignment_is_a_gaussian_of_the_distance_to_the_nearest_beat():
    sound, face = np.array([1.0, 2.0, 4.0]), np.array([1.1, 1.8, 2.2])
    expected = (np.exp(-0.5) + np.exp(-2) + np.exp(-(1.8**2) / 0.02)) / 3
    assert beat_alignment(sound, face) == pytest.approx(expected)
    assert beat_alignment(face, face) == 1


def test_beats_of_the_face_that_no_sound_has_cost_nothing():
    assert beat_alignment(np.array([1.0]), np.array([0.2, 1.0, 1.7])) == 1


@pytest.mark.parametrize(("sound", "face", "words"), [(0, 3, "the sound has no beat"), (3, 0, "movement has no beat")])
def test_without_beats_in_one_of_the_two_there_is_no_alignment(sound, face, words):
    with pytest.raises(MeasurementError, match=words):
        beat_alignment(np.arange(sound, dtype=float), np.arange(face, dtype=float))


def test_the_faces_beats_are_where_it_slows_down_most():
    """At 25 frames a second the speed has its minima 1.22 and 3.22 s into the clip."""
    speed = 1 + np.cos(2 * np.pi * (np.arange(100) - 30) / 50 + np.pi)
    np.testing.assert_allclose(motion_beats(face_that_goes(speed), 25), [1.22, 3.22])


def test_beats_are_found_over_a_gap_in_the_faces():
    landmarks = face_that_goes(1 + np.cos(2 * np.pi * (np.arange(100) - 30) / 50 + np.pi))
    landmarks[55:58] = np.nan
    np.testing.assert_allclose(motion_beats(landmarks, 25), [1.22, 3.22], atol=0.04)


@pytest.mark.parametrize("frames", [1, 60])
def test_a_face_that_stands_still_has_no_beats(frames):
    with pytest.raises(MeasurementError, match="the face does not move"):
        motion_beats(face_that_goes(np.full(frames - 1, 0.02)), 25)


def clicking(seconds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a wave that clicks twice a second, and when it does, in seconds."""
    wave, clicks = np.zeros(16_000 * seconds, np.float32), np.arange(0.25, seconds, 0.5)
    for start in (16_000 * clicks).astype(int):
        wave[start : start + 160] = np.random.default_rng(0).uniform(-0.5, 0.5, 160)
    return wave, clicks


@pytest.mark.slow
def test_the_beats_of_a_click_twice_a_second_are_those_clicks_and_silence_has_none():
    wave, clicks = clicking(6)
    beats = audio_beats(wave, 16_000)
    assert len(beats) >= 8
    assert np.abs(beats[:, None] - clicks).min(axis=1).max() < 0.05
    assert len(audio_beats(0 * wave, 16_000)) == 0


@pytest.mark.slow
def test_only_what_has_both_picture_and_sound_is_aligned():
    settings, (wave, _) = tiny_settings(), clicking(4)
    frames = [np.zeros((64, 64, 3), np.uint8)] * 101
    clip = Clip("a", frames, frames, 64, Sound(wave), Sound(wave), settings.score)
    clip.landmarks = face_that_goes(1 + np.cos(2 * np.pi * np.arange(100) / 20))
    clip.landmarks[100] = 0  # a frame behind the sound
    measured = Measurements()
    BeatGroup(Setup(settings.score, settings.window, settings.mel, 64, "cpu")).measure(clip, measured)
    expected = beat_alignment(audio_beats(wave, 16_000), motion_beats(clip.landmarks[:100], 25))
    assert measured.metrics == {"beat_align": pytest.approx(expected)}
