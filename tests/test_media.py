"""Facts about written and decoded videos: every frame, every sample, and what ffmpeg refuses."""

import shutil

import av
import numpy as np
import pytest
from coded_video import click, coded_frame, ffmpeg, numbers, steady, tone, write_coded

from tavce import media
from tavce.files import sha256
from tavce.media import VideoFormat, read_wave, write_video
from tavce.records import ClipError

WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
FRAME = 640  # samples


def test_a_written_video_has_every_frame_and_the_sound(tmp_path):
    write_video(tmp_path / "out.mp4", map(coded_frame, range(50)), click(1.0, 2.0), WRITE)
    assert numbers((tmp_path / "out.mp4").read_bytes()) == list(range(50))
    assert media.frame_count(tmp_path / "out.mp4") == 50
    wave = read_wave(tmp_path / "out.mp4", 16_000)
    assert abs(np.abs(wave).argmax() - 16_000) < FRAME / 4
    assert abs(len(wave) - 32_000) < 3 * 1024


def test_two_written_videos_are_the_same_byte_by_byte_and_name_no_encoder(tmp_path):
    for name in ("one.mp4", "two.mp4"):
        write_video(tmp_path / name, map(coded_frame, range(30)), tone(1.2), WRITE)
    assert sha256(tmp_path / "one.mp4") == sha256(tmp_path / "two.mp4")
    assert b"Lavf" not in (tmp_path / "one.mp4").read_bytes()


def test_a_comment_is_in_the_file(tmp_path):
    write_video(tmp_path / "out.mp4", [coded_frame(1)], tone(0.04), VideoFormat(25, 16_000, 18, "ultrafast", "made up"))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["comment"] == "made up"


def test_a_written_video_that_ffmpeg_refuses_says_why(tmp_path):
    odd = np.zeros((63, 127, 3), np.uint8)
    with pytest.raises(ClipError, match=r"ffmpeg: .*not divisible by 2"):
        write_video(tmp_path / "odd.mp4", [odd] * 500, tone(1), WRITE)


def test_an_error_among_the_frames_comes_through(tmp_path):
    def broken():
        yield coded_frame(0)
        raise RuntimeError("no more frames")

    with pytest.raises(RuntimeError, match="no more frames"):
        write_video(tmp_path / "broken.mp4", broken(), tone(1), WRITE)


def test_a_video_of_no_frames_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_video(tmp_path / "none.mp4", [], tone(1), WRITE)


def test_the_sound_of_a_mute_video_is_refused(tmp_path):
    with pytest.raises(ClipError, match=r"no_audio: .* has no audio stream"):
        read_wave(write_coded(tmp_path / "no_sound.mp4", steady(25, 5)), 16_000)


def test_a_file_without_picture_has_no_frames(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", tmp_path / "tone.m4a")
    assert media.frame_count(tmp_path / "tone.m4a") == 0


def test_the_systems_ffmpeg_comes_first(monkeypatch):
    media.ffmpeg_path.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert media.ffmpeg_path() == "/usr/bin/ffmpeg"
    monkeypatch.undo()
    media.ffmpeg_path.cache_clear()
