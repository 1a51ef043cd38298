"""Facts about cepstra; the table is what python_speech_features 0.6 says: `mfcc(chirp(), 16000)[[0, 3, 4]]`."""

import numpy as np
import pytest

from tavce.faces.mfcc import BLOCK_STEPS, STEP, WINDOW, mfcc

CHIRP = """
    23.0496 -36.0144 -15.8700 -10.3229 -14.7007 -3.6036 -13.3286 0.5600 -12.8348 2.0718 -10.2573 2.2202 -9.6877
    23.3894 -41.2364  -8.8149  -0.7748   9.9211  4.4926 -1.5488 -5.4226 -0.6825 2.2305   2.4300 -1.2255 -1.8411
    22.3911 -19.4701 -23.3520  11.9085 -28.4103 13.0570 -19.7853 7.0157 -7.3000 -3.9127 -1.1724 -10.4343 0.2702
"""


def chirp() -> np.ndarray:
    time = np.arange(1000)
    return np.rint(8000 * np.sin(time * time / 300) + 300 * np.cos(time)).astype(np.int16)


def test_a_chirp_has_the_cepstra_of_python_speech_features():
    expected = np.array(CHIRP.split(), float).reshape(3, 13)
    np.testing.assert_allclose(mfcc(chirp())[[0, 3, 4]], expected, atol=1e-4)


def test_silence_is_as_quiet_as_python_speech_features_has_it():
    np.testing.assert_allclose(mfcc(np.zeros(400, np.int16)), [[-36.0437, *[0] * 12]], atol=1e-4)


@pytest.mark.parametrize(("samples", "steps"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (25 * 640, 99)])
def test_a_step_that_is_not_whole_counts(samples, steps):
    assert mfcc(np.ones(samples, np.int16)).shape == (steps, 13)


def test_a_long_sound_in_blocks_has_the_cepstra_of_its_parts():
    samples = np.random.default_rng(1).integers(-3000, 3000, (BLOCK_STEPS + 1) * STEP + WINDOW)
    # The first sample of a part has no sample before it, so its first step differs.
    np.testing.assert_allclose(mfcc(samples)[-3:], mfcc(samples[-4 * STEP - WINDOW + STEP :])[1:], atol=1e-4)


@pytest.mark.parametrize("shape", [(0,), (2, 400)])
def test_no_sound_and_two_channels_are_refused(shape):
    with pytest.raises(ValueError, match="have no cepstra: give mono"):
        mfcc(np.zeros(shape, np.int16))
