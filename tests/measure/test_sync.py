import numpy as np
import pytest

from tavce.measure.measurements import MeasurementError
from tavce.measure.sync import av_corr, av_offset


def signal(frames: int = 100, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=frames)


def test_av_corr_is_pearsons_r():
    first, second = signal(seed=1), signal(seed=2)
    mixed = 0.6 * first + 0.8 * second
    assert av_corr(first, mixed) == pytest.approx(np.corrcoef(first, mixed)[0, 1])
    assert av_corr(first, 3 - 2 * first) == pytest.approx(-1)


def test_av_corr_leaves_out_frames_without_a_face():
    opening, loudness = signal(), signal()
    opening[::3] = np.nan
    loudness[::3] = 1000
    assert av_corr(opening, loudness) == pytest.approx(1)


def test_a_still_mouth_has_no_correlation():
    with pytest.raises(MeasurementError, match="does not change"):
        av_corr(np.ones(50), signal(50))


def test_two_frames_have_no_correlation():
    with pytest.raises(MeasurementError, match="fewer than 3 frames"):
        av_corr(np.array([1.0, 2, np.nan]), np.array([1.0, 2, 3]))


@pytest.mark.parametrize("lag", [-7, -3, 0, 1, 8])
def test_the_offset_is_video_index_less_audio_index(lag):
    """What is heard at frame t is seen at frame t + lag: above 0 the audio is early."""
    heard = signal(120)
    seen = np.roll(heard, lag)
    assert av_offset(seen, heard, 10) == lag


def test_an_offset_beyond_the_largest_lag_is_not_found():
    heard = signal(120)
    assert av_offset(np.roll(heard, 12), heard, 5) != 12


def test_of_equally_good_lags_the_nearest_to_zero_counts():
    beat = np.tile([0.0, 0, 0, 1], 30)
    assert av_offset(np.roll(beat, 2), np.roll(beat, 1), 7) == 1


def test_the_offset_survives_missing_faces():
    heard = signal(120)
    seen = np.roll(heard, 4)
    seen[10:30] = np.nan
    assert av_offset(seen, heard, 10) == 4


def test_a_clip_shorter_than_the_lags_has_no_offset():
    with pytest.raises(MeasurementError, match="10 frames are too few for lags of up to 8"):
        av_offset(signal(10), signal(10), 8)


def test_a_still_mouth_has_no_offset():
    with pytest.raises(MeasurementError, match="at any lag"):
        av_offset(np.ones(50), signal(50), 5)


@pytest.mark.parametrize("measure", [av_corr, lambda opening, loudness: av_offset(opening, loudness, 2)])
def test_signals_of_different_length_are_refused(measure):
    with pytest.raises(ValueError, match=r"both must be \[T\]"):
        measure(signal(10), signal(11))
