"""How fast a core compares generated frames with real ones: PSNR, SSIM and CPBD at 256 px, both sides decoded once.

The generated side is an mp4 as the demo's are, the real one JPEGs of a crop; sound and landmarks are not read.
"""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tavce import store
from tavce.config import paper
from tavce.loading import single_threaded
from tavce.measure.clip import Clip, Sound, read_reference
from tavce.measure.groups import Setup
from tavce.measure.image import ImageGroup
from tavce.measure.measurements import Measurements
from tavce.measure.reading import read_frames
from tavce.media import VideoFormat, write_video
from tests.bench.measurement import Measurement, core_seconds, seconds
from tests.bench.portrait_clips import FRAMES, write_clips

GOAL_FRAMES_PER_S = 150
REPEATS = 9


def measure() -> Iterator[Measurement]:
    """Yield frames a second."""
    single_threaded()
    settings = paper()
    side_px, rate_hz = settings.synthesise.image_px, settings.window.rate_hz
    group = ImageGroup(Setup(settings.score, settings.window, settings.mel, side_px, "cpu"))
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        (entry,), video = write_clips(Path(folder), 1, settings.crop), Path(folder, "made.mp4")

        def score() -> None:
            with store.open_shard(entry.crop) as crops:
                real = read_reference(crops[entry.clip_id], side_px, side_px)
            made, silence = read_frames(video, rate_hz, side_px), Sound(None, "not read")
            group.measure(Clip("made", made, real, side_px, silence, silence, settings.score), measured)

        measured, silent = Measurements(), np.zeros(FRAMES * 640, np.float32)
        with store.open_shard(entry.crop) as crops:
            pictures = read_reference(crops[entry.clip_id], side_px, side_px)
        write_video(video, pictures, silent, VideoFormat(rate_hz, 16_000, settings.synthesise.crf, "medium"))
        score()
        spent = statistics.median(seconds(score, core_seconds) for _ in range(REPEATS))
    assert not measured.reasons, measured.reasons
    yield Measurement("score psnr, ssim, cpbd", FRAMES / spent, "frames/s per core", at_least=GOAL_FRAMES_PER_S)
