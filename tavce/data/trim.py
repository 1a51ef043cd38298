"""Cut every clip of a shard out of its video: 25 frames a second, 16 kHz mono.

Reads   the videos that `download` found, and the sheet's frames
Writes  `video` (mp4 bytes, T frames) and `wave` (int16 [N], N = T · 640), and one record a clip
Source  paper.md, Data; the frames are `end − start + 1`, as annotated (the released recipe loses the last one)
"""

import argparse
from dataclasses import dataclass

import numpy as np

from tavce import media
from tavce.config.data import Trim
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.files import sha256
from tavce.records import ClipError, ClipRecord, Reason, Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Trim the clips of one shard."""
    job = open_job("trim", arguments)
    run_shard(job, Trimmer(job.settings["trim"]))


@dataclass(frozen=True)
class Trimmer:
    """Cuts one clip."""

    settings: Trim

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return the clip's picture and sound.

        Raises:
            ClipError: what `media.probe` and `media.cut` raise; `no_audio`, `too_short`, `missing_frames`,
                `av_mismatch` or `silent`.
        """
        settings = self.settings
        path = str(before.numbers["path"])
        if not media.probe(path).has_audio:
            raise ClipError(Reason.NO_AUDIO, f"{path} has no audio stream")
        asked = None if row.end_frame is None else row.end_frame - row.start_frame + 1
        if asked is not None and asked < settings.min_frames:
            raise ClipError(Reason.TOO_SHORT, f"{asked} frames annotated, trim.min_frames is {settings.min_frames}")
        shape = media.CutFormat(settings.rate_hz, settings.sample_rate_hz, settings.crf, settings.preset)
        clip = media.cut(path, row.start_frame, asked, shape)
        self._check(clip, asked)
        wave = _fit(clip.wave, clip.frames * settings.sample_rate_hz // settings.rate_hz)
        loudness_db = self._loudness(wave)
        numbers = {
            "frames": clip.frames,
            "seconds": round(clip.frames / settings.rate_hz, 3),
            "loudness_db": round(loudness_db, 1),
        }
        arrays = {"video": np.frombuffer(clip.video, np.uint8), "wave": wave}
        return Result(numbers, arrays, {"source_sha256": sha256(path), "frames": clip.frames})

    def _check(self, clip: media.Clip, asked: int | None) -> None:
        settings = self.settings
        slack = settings.max_gap_frames if asked is None else 0
        if clip.expected is not None and clip.expected - clip.frames > slack:
            said = "by the file's header" if asked is None else "annotated"
            raise ClipError(Reason.MISSING_FRAMES, f"{clip.frames} frames could be read of {clip.expected} {said}")
        if clip.frames < settings.min_frames:
            raise ClipError(Reason.TOO_SHORT, f"{clip.frames} frames, trim.min_frames is {settings.min_frames}")
        sound_frames = len(clip.wave) * settings.rate_hz / settings.sample_rate_hz
        if abs(sound_frames - clip.frames) > settings.max_gap_frames:
            raise ClipError(Reason.AV_MISMATCH, f"sound lasts {sound_frames:.1f} frames, the picture {clip.frames}")

    def _loudness(self, wave: np.ndarray) -> float:
        rms = np.sqrt(np.mean(np.square(wave.astype(np.float64) / 32768)))
        loudness_db = float(20 * np.log10(max(rms, 1e-6)))
        if loudness_db < self.settings.min_loudness_db:
            raise ClipError(
                Reason.SILENT, f"{loudness_db:.0f} dB, trim.min_loudness_db is {self.settings.min_loudness_db}"
            )
        return loudness_db


def _fit(wave: np.ndarray, samples: int) -> np.ndarray:
    """Return the wave cut, or lengthened by silence, to `samples`."""
    return np.pad(wave[:samples], (0, max(0, samples - len(wave))))
