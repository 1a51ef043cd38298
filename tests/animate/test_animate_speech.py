"""Facts about the speech of an animation: any file with sound is heard, and a finished video carries it."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from coded_video import coded_frame, ffmpeg, steady, write_coded

from tavce.animate.speech import SpokenFile, read_speech
from tavce.config import paper
from tavce.data.mel import log_mel
from tavce.media import VideoFormat, read_wave, write_video
from tavce.records import InputError

RATE_HZ = 25
MEL = paper().mel
SECONDS = 1.3
FILES = {  # name → how it is encoded, and the rate and channels that a video of ours carries
    "telephone.wav": (("-ar", "8000"), 16_000, 1),
    "fine.wav": (("-ar", "96000", "-ac", "2", "-c:a", "pcm_s24le"), 48_000, 2),
    "six.wav": (("-ac", "6", "-c:a", "pcm_f32le"), 48_000, 2),
    "stereo.mp3": (("-ar", "44100", "-ac", "2"), 44_100, 2),
    "memo.m4a": (("-ar", "48000"), 48_000, 1),
    "lossless.flac": (("-ar", "22050"), 22_050, 1),
    "odd.ogg": (("-ar", "11025", "-c:a", "libvorbis"), 16_000, 1),
}


def hear(path: Path) -> SpokenFile:
    return read_speech(path, MEL, RATE_HZ)


def tone(path: Path, *how: str, seconds: float = SECONDS) -> Path:
    """Write a tone that gets louder."""
    sound = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
    ffmpeg("-f", "lavfi", "-i", sound, "-af", f"afade=duration={seconds}", *how, path)
    return path


def float_wav(path: Path, wave: np.ndarray) -> Path:
    """Write float samples at 16 kHz as they are."""
    data = wave.astype("<f4").tobytes()
    form = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 3, 1, 16_000, 64_000, 4, 32, b"data", len(data))
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the same tone in every file."""
    folder = tmp_path_factory.mktemp("speech")
    for name, (how, _, _) in FILES.items():
        tone(folder / name, *how)
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10", "-i", folder / "stereo.mp3", "-shortest", folder / "v.mp4"
    )
    return folder


@pytest.mark.parametrize("name", [*FILES, "v.mp4"])
def test_any_file_with_sound_is_heard_to_its_last_whole_frame(folder, name):
    spoken = hear(folder / name)
    assert spoken.frames == 32
    assert spoken.seconds == 1.28
    assert spoken.mel.shape == (1 + 32 * 640 // 200, 80)


@pytest.mark.parametrize("name", ["fine.wav", "stereo.mp3", "memo.m4a", "odd.ogg", "v.mp4"])
def test_a_tone_is_heard_alike_whatever_the_file(folder, name):
    best, heard = (hear(folder / other).mel[20:100].argmax(axis=1) for other in ("lossless.flac", name))
    assert (best == heard).mean() > 0.95


def test_the_mel_is_the_stages_own_of_the_whole_frames(folder):
    path = folder / "telephone.wav"
    np.testing.assert_array_equal(hear(path).mel, log_mel(read_wave(path, 16_000)[: 32 * 640], MEL))


@pytest.mark.parametrize("name", FILES)
def test_a_video_carries_the_speech_at_its_own_rate_with_its_channels_as_long_as_the_picture(folder, tmp_path, name):
    _, rate_hz, channels = FILES[name]
    spoken = hear(folder / name)
    shape = VideoFormat(RATE_HZ, 16_000, 30, "ultrafast", "made up")
    out = tmp_path / "talk.mp4"
    write_video(out, map(coded_frame, range(spoken.frames)), spoken.soundtrack.lasting(spoken.seconds), shape)
    with av.open(str(out)) as container:
        sound, picture = container.streams.audio[0], container.streams.video[0]
        assert (sound.rate, sound.channels) == (rate_hz, channels)
        assert sound.start_time == picture.start_time == 0
        assert float(sound.duration * sound.time_base) == float(picture.duration * picture.time_base) == spoken.seconds
        assert container.metadata["comment"] == "made up"
    given, carried = read_wave(folder / name, 16_000), read_wave(out, 16_000)
    assert np.corrcoef(given[:20_000], carried[:20_000])[0, 1] > 0.95


def test_a_video_carries_nothing_else_of_the_speechs_file(folder, tmp_path):
    ffmpeg("-i", folder / "memo.m4a", "-metadata", "title=private", "-metadata", "artist=me", tmp_path / "named.m4a")
    spoken = hear(tmp_path / "named.m4a")
    write_video(
        tmp_path / "talk.mp4",
        map(coded_frame, range(3)),
        spoken.soundtrack.lasting(3 / RATE_HZ),
        VideoFormat(RATE_HZ, 16_000, 30, "ultrafast"),
    )
    assert b"private" not in (tmp_path / "talk.mp4").read_bytes()


def test_one_second_and_one_frame_are_enough(tmp_path):
    assert hear(tone(tmp_path / "second.wav", "-ar", "16000", seconds=1)).frames == 25
    assert hear(tone(tmp_path / "frame.wav", "-ar", "16000", seconds=0.04)).frames == 1


def test_less_than_a_frame_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match=r"short.wav has 0.039 s of sound, less than one frame \(0.04 s\): give more"):
        hear(float_wav(tmp_path / "short.wav", np.full(624, 0.1)))


def test_silence_is_heard_with_a_warning(tmp_path, caplog):
    spoken = hear(float_wav(tmp_path / "quiet.wav", np.zeros(16_000)))
    assert (spoken.mel == -MEL.bound).all()
    assert "quiet.wav is silent" in caplog.text


def test_speech_is_not_warned_of(folder, caplog):
    hear(folder / "telephone.wav")
    assert caplog.text == ""


def test_samples_out_of_range_or_no_numbers_are_heard_as_sound(tmp_path):
    wave = 3 * np.sin(np.arange(16_000) / 10)
    wave[5000:5100], wave[6000], wave[7000] = np.nan, np.inf, -np.inf
    spoken = hear(float_wav(tmp_path / "wild.wav", wave))
    assert np.isfinite(spoken.mel).all()
    out = tmp_path / "talk.mp4"
    shape = VideoFormat(RATE_HZ, 16_000, 30, "ultrafast")
    write_video(out, map(coded_frame, range(25)), spoken.soundtrack.lasting(1), shape)
    assert np.abs(read_wave(out, 16_000)).max() > 0.5


def test_a_cut_off_wave_is_heard_as_far_as_it_goes(folder, tmp_path):
    content = (folder / "fine.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) // 2])
    assert hear(tmp_path / "cut.wav").frames == 16


@pytest.fixture(scope="module")
def bad(folder) -> Path:
    """Files that no speech can be had from."""
    (folder / "text.wav").write_text("no sound at all\n" * 100, encoding="utf-8")
    (folder / "empty.mp3").touch()
    (folder / "cut.m4a").write_bytes((folder / "memo.m4a").read_bytes()[:3000])
    (folder / "cut.flac").write_bytes((folder / "lossless.flac").read_bytes()[:20_000])
    write_coded(folder / "mute.mp4", steady(25, 5))
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.wav", "cannot be read as sound: Invalid data found"),
        ("empty.mp3", "has no bytes"),
        ("cut.m4a", "cannot be read as sound: Invalid data found"),
        ("cut.flac", "cannot be read as sound: Invalid data found"),
        ("mute.mp4", "has no audio stream that can be decoded"),
        ("none.wav", "is not there"),
    ],
)
def test_what_no_speech_can_be_had_from_is_named_with_the_remedy(bad, name, words):
    with pytest.raises(InputError, match=f"{name} {words}.*: give a file with speech"):
        hear(bad / name)
