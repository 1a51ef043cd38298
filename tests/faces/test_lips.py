import numpy as np
import pytest

from tavce.faces import lips
from tavce.faces.lips import FLOOR_DB, best_lag, correlation, loudness_db


def signal(frames: int = 100, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=frames)


def test_a_full_scale_square_wave_is_0_db_and_a_tenth_of_it_20_db_less():
    wave = np.tile(np.float32([1, -1]), 320)
    np.testing.assert_allclose(loudness_db(np.concatenate([wave, wave / 10]), 2), [0, -20], atol=1e-5)


def test_silence_is_the_floor():
    assert loudness_db(np.zeros(1280, np.float32), 2).tolist() == [FLOOR_DB, FLOOR_DB]


def test_a_sample_belongs_to_the_frame_it_is_heard_in():
    wave = np.zeros(640 * 4, np.float32)
    wave[2 * 640] = 1
    assert np.flatnonzero(loudness_db(wave, 4) > FLOOR_DB).tolist() == [2]


def test_frames_beyond_the_sound_have_no_loudness():
    assert np.isnan(loudness_db(np.zeros(1279, np.float32), 3)).tolist() == [False, True, True]


def test_stereo_is_refused():
    with pytest.raises(ValueError, match="give mono"):
        loudness_db(np.zeros((2, 640), np.float32), 1)


def test_what_never_changes_has_no_correlation():
    assert np.isnan(correlation(np.ones(50), signal(50)))
    assert np.isnan(correlation(np.array([1.0, 2, np.nan]), np.array([1.0, 2, 3])))


@pytest.mark.parametrize("lag", [-7, 0, 8])
def test_the_best_lag_is_video_index_less_audio_index_and_comes_with_its_r(lag):
    heard = signal(120)
    found, r = best_lag(np.roll(heard, lag), heard, 10)
    assert found == lag
    assert r == pytest.approx(1)


def test_no_lag_is_best_where_none_has_a_correlation():
    for opening, loudness, max_lag in ((np.ones(50), signal(50), 5), (signal(10), signal(10), 8)):
        lag, r = best_lag(opening, loudness, max_lag)
        assert (lag, np.isnan(r)) == (0, True)


@pytest.mark.parametrize("measure", [correlation, lambda opening, loudness: best_lag(opening, loudness, 2)])
def test_openings_and_levels_of_different_length_are_refused(measure):
    with pytest.raises(ValueError, match=r"both must be \[T\]"):
        measure(signal(10), signal(11))


@pytest.mark.parametrize("samples", [1, 640, 3 * lips.BLOCK_FRAMES * 640 // 2])
def test_the_power_is_the_mean_square_whatever_the_length_and_the_type(samples):
    wave = np.random.default_rng(0).integers(-32768, 32767, samples, np.int16)
    expected = np.mean(np.square(wave / 32768))
    assert lips.mean_power(wave) == pytest.approx(expected, rel=1e-9)
    assert lips.mean_power((wave / 32768).astype(np.float32)) == pytest.approx(expected, rel=1e-6)


def test_no_samples_have_no_power():
    assert np.isnan(lips.mean_power(np.zeros(0, np.int16)))
