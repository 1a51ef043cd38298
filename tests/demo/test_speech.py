"""Facts about the demo's speech."""

import numpy as np
import pytest

from tavce.demo import espeak
from tavce.demo.espeak import Voice
from tavce.demo.plan import VOICES
from tavce.demo.speech import RATE_HZ, SAMPLE_RATE_HZ, SpeechError, articulation, speak

SENTENCE = "The baker opened the music box."


def tone(frequency_hz: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)


def test_a_sentence_sounds_the_same_whatever_was_said_before():
    first = speak(SENTENCE, VOICES[0], 8)
    speak("Something else entirely.", VOICES[1], 8)
    np.testing.assert_array_equal(speak(SENTENCE, VOICES[0], 8), first)


def test_every_voice_exists_and_is_audible():
    for voice in VOICES:
        wave = speak("Five apples.", voice, 8)
        assert np.abs(wave).max() == pytest.approx(0.7, abs=1e-3)
        assert np.sqrt(np.mean(wave**2)) > 0.03


def test_speech_begins_and_ends_in_silence_and_fills_whole_frames():
    wave = speak(SENTENCE, VOICES[0], 8)
    assert len(wave) % (SAMPLE_RATE_HZ // RATE_HZ) == 0
    assert not wave[:3000].any()
    assert not wave[-3000:].any()


def test_long_speech_is_cut():
    assert len(speak(SENTENCE, VOICES[0], 1.0)) == SAMPLE_RATE_HZ


def test_an_unknown_voice_is_named():
    with pytest.raises(SpeechError, match="no voice nobody"):
        speak(SENTENCE, Voice("nobody", 150, 50), 8)


def test_missing_espeak_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(espeak.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install espeakng-loader"):
        espeak.main("en-us", "150", "50")


def test_voices_that_do_not_load_are_named(monkeypatch):
    monkeypatch.setattr(espeak, "RATE_HZ", 1)
    with pytest.raises(SystemExit, match="did not start with the voices in"):
        espeak.main("en-us", "150", "50")


def test_lips_open_for_a_loud_low_vowel_and_shut_in_silence():
    sound = np.concatenate([np.zeros(SAMPLE_RATE_HZ), tone(700, 1.0), np.zeros(SAMPLE_RATE_HZ)])
    opening, _ = articulation(sound)
    assert len(opening) == 3 * RATE_HZ
    assert opening[30:45].min() > 0.9
    assert opening[:20].max() < 0.01


def test_lips_open_further_for_a_high_first_formant():
    opening, _ = articulation(np.concatenate([tone(300, 1.0), tone(700, 1.0)]))
    assert opening[5:20].mean() < 0.5 * opening[30:45].mean()


def test_lips_spread_for_a_high_second_formant():
    low, high = tone(600, 1.0) + 0.02 * tone(2500, 1.0), tone(600, 1.0) + 0.5 * tone(2500, 1.0)
    _, spread = articulation(np.concatenate([low, high]))
    assert spread[5:20].mean() < spread[30:45].mean() - 0.5
