"""Facts about the log-mel spectrogram: it is librosa's, number by number."""

import librosa
import numpy as np
import pytest
from scipy.signal import lfilter

from tavce.config import paper
from tavce.data.mel import log_mel, mel_filters

RATE_HZ = 16_000
MEL = paper().mel


def librosa_mel(wave: np.ndarray, pad_mode: str) -> np.ndarray:
    """Return Wav2Lip's spectrogram [M, 80] from librosa's parts."""
    emphasised = lfilter([1, -0.97], [1], wave.astype(np.float64))
    magnitude = np.abs(librosa.stft(emphasised, n_fft=800, hop_length=200, win_length=800, pad_mode=pad_mode))
    filters = librosa.filters.mel(sr=RATE_HZ, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    decibels = 20 * np.log10(np.maximum(1e-5, filters @ magnitude)) - 20
    return np.clip(8 * (decibels + 100) / 100 - 4, -4, 4).T


@pytest.fixture(scope="module", params=["noise", "sweep", "quiet"])
def wave(request) -> np.ndarray:
    time_s = np.arange(int(1.37 * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(time_s))
    sweep = 0.8 * np.sin(2 * np.pi * (60 + 2000 * time_s) * time_s)
    return {"noise": noise, "sweep": sweep, "quiet": noise * 1e-3}[request.param].astype(np.float32)


@pytest.mark.parametrize(("padding", "pad_mode"), [("zeros", "constant"), ("reflect", "reflect")])
def test_the_mel_is_librosas(wave, padding, pad_mode):
    ours = log_mel(wave, MEL.model_copy(update={"padding": padding}))
    theirs = librosa_mel(wave, pad_mode)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-4


def test_the_filters_are_librosas():
    np.testing.assert_allclose(
        mel_filters(MEL), librosa.filters.mel(sr=RATE_HZ, n_fft=800, n_mels=80, fmin=55, fmax=7600), atol=1e-7
    )


def test_the_two_paddings_differ_at_the_ends_only(wave):
    zeros, reflect = (log_mel(wave, MEL.model_copy(update={"padding": padding})) for padding in ("zeros", "reflect"))
    differing = np.flatnonzero(np.abs(zeros - reflect).max(axis=1) > 0)
    assert set(differing) <= {0, 1, len(zeros) - 2, len(zeros) - 1}
    assert len(differing) > 0


@pytest.mark.parametrize("samples", [401, 799, 800, 801, 16_000, 16_199, 16_200])
def test_there_is_one_step_more_than_hops_in_the_wave(samples):
    assert log_mel(np.zeros(samples, np.float32)).shape == (1 + samples // 200, 80)


def test_silence_is_the_lower_bound():
    assert (log_mel(np.zeros(3200, np.float32)) == -4).all()


def test_nothing_is_beyond_the_bound():
    loud = np.sign(np.sin(np.arange(16_000) * 0.3)).astype(np.float32) * 100
    mel = log_mel(loud)
    assert mel.max() == 4
    assert mel.min() >= -4
    assert mel.dtype == np.float32


@pytest.mark.parametrize("shape", [(400,), (0,), (1, 16_000), (16_000, 2)])
def test_what_is_no_wave_is_refused(shape):
    with pytest.raises(ValueError, match=r"a wave of shape \(.*\) has no mel: give mono, more than 400 samples"):
        log_mel(np.zeros(shape, np.float32))
