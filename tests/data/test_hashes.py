"""Facts about perceptual hashes: what leaves them as they are, and what does not."""

import cv2
import numpy as np
import pytest
from coded_video import ffmpeg

from tavce import media
from tavce.data.hashes import picture_hash, sound_hash
from tavce.demo.plan import VOICES
from tavce.demo.speech import SAMPLE_RATE_HZ, speak

SENTENCES = ("the old captain opened the broken piano", "a young doctor carried paper flowers")


def apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


@pytest.fixture(scope="module")
def waves() -> list[np.ndarray]:
    """One voice that says two sentences."""
    return [speak(sentence, VOICES[0], 8.0) for sentence in SENTENCES]


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    noise = np.random.default_rng(0).uniform(0, 255, (12, 12)).astype(np.float32)
    return np.clip(cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("gain_db", [-20, -3, 3])
def test_louder_or_softer_is_the_same_sound(waves, gain_db):
    louder = waves[0] * np.float32(10 ** (gain_db / 20))
    assert sound_hash(louder, SAMPLE_RATE_HZ) == sound_hash(waves[0], SAMPLE_RATE_HZ)


@pytest.mark.parametrize(("codec", "rate"), [("aac", "48k"), ("libmp3lame", "64k"), ("libopus", "48k")])
def test_a_sound_encoded_anew_is_the_same_within_three_bits(waves, tmp_path, codec, rate):
    (tmp_path / "said.pcm").write_bytes((waves[0] * 32767).astype("<i2").tobytes())
    raw = ("-f", "s16le", "-ar", SAMPLE_RATE_HZ, "-ac", 1, "-i", tmp_path / "said.pcm")
    ffmpeg(*raw, "-c:a", codec, "-b:a", rate, tmp_path / "said.mkv")
    ffmpeg("-i", tmp_path / "said.mkv", "-ar", SAMPLE_RATE_HZ, "-ac", 1, tmp_path / "said.wav")
    heard = media.read_wave(tmp_path / "said.wav", SAMPLE_RATE_HZ)[: len(waves[0])]
    assert apart(sound_hash(heard, SAMPLE_RATE_HZ), sound_hash(waves[0], SAMPLE_RATE_HZ)) <= 3


def test_other_words_of_the_same_voice_are_another_sound(waves):
    one, other = (sound_hash(wave, SAMPLE_RATE_HZ) for wave in waves)
    assert apart(one, other) > 10


def test_silence_and_a_click_have_no_hash():
    assert sound_hash(np.zeros(32000, np.float32), SAMPLE_RATE_HZ) is None
    assert sound_hash(np.ones(8000, np.float32), SAMPLE_RATE_HZ) is None


def test_a_picture_scaled_darkened_and_compressed_is_the_same_within_five_bits(portrait):
    small = cv2.resize(portrait, (100, 100), interpolation=cv2.INTER_AREA)
    coded = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE)
    assert apart(picture_hash((coded * 0.8).astype(np.uint8)), picture_hash(portrait)) <= 5


def test_a_mirrored_picture_is_another_one(portrait):
    assert apart(picture_hash(portrait[:, ::-1]), picture_hash(portrait)) > 20
