"""Cut every clip of a shard out of its video: 25 frames a second, 16 kHz mono.

Reads   the videos that `download` found, and the sheet's frames, boxes and offset of the sound
Writes  `video` (mp4 bytes, T frames) and `wave` (int16 [N], N = T · 640), where the face is annotated its `boxes`
        (float32 [T, 4], px of the trimmed video), and one record a clip
Source  paper.md, Data; the frames are `end − start + 1`, as annotated (the released recipe loses the last one), and
        the sound is moved by the annotated offset, in its samples, so that offset 0 is left
"""

import argparse
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce import boxes, damage, media, store
from tavce.config.data import Trim
from tavce.cutting import Clip, CutFormat, Span, cut
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.fetch.raw import refuse_cleared
from tavce.files import sha256
from tavce.records import ClipError, ClipRecord, Reason, Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Trim the clips of one shard."""
    job = open_job("trim", arguments)
    run_shard(job, lambda folder: nullcontext(Trimmer(job.settings["trim"], folder)))


@dataclass(frozen=True)
class Trimmer:
    """Cuts one clip."""

    settings: Trim
    folder: Path

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return the clip's picture and sound.

        Raises:
            ClipError: what `cut` raises; `too_short`, `missing_frames`, `damaged`, `av_mismatch`, `silent` or
                `bad_annotation`.
            InputError: the video was removed by `clear_raw`.
        """
        settings = self.settings
        path = str(before.numbers["path"])
        refuse_cleared(path)
        asked = None if row.end_frame is None else row.end_frame - row.start_frame + 1
        if asked is not None and asked < settings.min_frames:
            raise ClipError(Reason.TOO_SHORT, f"{asked} frames annotated, trim.min_frames is {settings.min_frames}")
        span = Span(row.start_frame, asked, row.audio_offset_frames)
        shape = CutFormat(settings.rate_hz, settings.sample_rate_hz, settings.crf, settings.preset, settings.max_frames)
        clip = cut(path, span, shape, self.folder)
        self._check_length(clip, asked)
        if clip.complained:
            damage.check(path, *span.seconds(clip.frames, settings.rate_hz))
        self._check_sound(clip, span)
        loudness_db = self._loudness(clip.wave)
        numbers = {
            "frames": clip.frames,
            "seconds": round(clip.frames / settings.rate_hz, 3),
            "loudness_db": round(loudness_db, 1),
            "audio_offset_frames": row.audio_offset_frames,
        }
        arrays = {"video": store.Spooled(clip.video), "wave": clip.wave}
        if row.boxes:
            arrays["boxes"] = _boxes(row, clip)
        said = {"frames": clip.frames, "audio_offset_frames": row.audio_offset_frames}
        return Result(numbers, arrays, {"source_sha256": sha256(path), **said})

    def _check_length(self, clip: Clip, asked: int | None) -> None:
        settings = self.settings
        slack = settings.max_gap_frames if asked is None else 0
        if clip.expected is not None and clip.expected - clip.frames > slack:
            said = "by the file's header" if asked is None else "annotated"
            raise ClipError(Reason.MISSING_FRAMES, f"{clip.frames} frames could be read of {clip.expected} {said}")
        if clip.frames < settings.min_frames:
            raise ClipError(Reason.TOO_SHORT, f"{clip.frames} frames, trim.min_frames is {settings.min_frames}")

    def _check_sound(self, clip: Clip, span: Span) -> None:
        """Check that the file's sound ends with the picture, as both lie in the file or as the offset moves them."""
        missing = clip.frames - span.early_frames - clip.sound_frames
        left_over = clip.sound_frames - clip.frames - span.late_frames if span.frames is None else 0
        if max(missing, left_over) > self.settings.max_gap_frames:
            raise ClipError(
                Reason.AV_MISMATCH, f"sound lasts {clip.sound_frames:.1f} frames, the picture {clip.frames}"
            )

    def _loudness(self, wave: np.ndarray) -> float:
        rms = np.sqrt(np.mean(np.square(wave.astype(np.float64) / 32768)))
        loudness_db = float(20 * np.log10(max(rms, 1e-6)))
        if loudness_db < self.settings.min_loudness_db:
            raise ClipError(
                Reason.SILENT, f"{loudness_db:.0f} dB, trim.min_loudness_db is {self.settings.min_loudness_db}"
            )
        return loudness_db


def _boxes(row: Row, clip: Clip) -> np.ndarray:
    """Return the annotated boxes float32 [T, 4] px of the trimmed picture."""
    annotated = boxes.unpack(row.boxes, *media.frame_size(clip.video))
    if len(annotated) != clip.frames:
        raise ClipError(Reason.BAD_ANNOTATION, f"{len(annotated)} boxes annotated for {clip.frames} frames")
    return annotated
