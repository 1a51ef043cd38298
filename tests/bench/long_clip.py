"""How much memory the data stages take for a source of half an hour, and how fast they are on it.

Every stage is a process of its own, with one worker, and all frames are cropped. Its peak is that of the process, or
of an ffmpeg it started; what this process holds when it starts one is its least.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tavce import media
from tavce.config import paper
from tavce.records import read_records
from tests.bench.measurement import Measurement
from tests.bench.talking_clip import write_talking_clip
from tests.bench.workbench import Workbench

MINUTES = 30
LENGTH_S = MINUTES * 60
RATE_HZ, SAMPLE_RATE_HZ = 25, 16_000
GOAL_MB = 600
STAGES = ("trim", "detect", "crop", "quality", "mel", "basis", "motion")


def measure() -> Iterator[Measurement]:
    """Yield the peak memory of every stage and its frames a second."""
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        crop = paper().crop.model_copy(update={"recipe": "hdtf", "max_frames": paper().trim.max_frames})
        workbench = Workbench(Path(folder), settings=paper().model_copy(update={"crop": crop}))
        _write_long_clip(workbench.video)
        workbench.prepare()
        frames = 0
        for stage in STAGES:
            began = time.perf_counter()
            peak_mb = _peak_mb(workbench.command(stage))
            spent_s = time.perf_counter() - began
            if stage != "basis":
                (record,) = read_records(workbench.path(stage))
                assert record.kept, f"the clip was lost at {record.lost_at}: {record.detail}"
                frames = int(record.numbers.get("frames", frames))
            yield Measurement(f"long {stage}: peak memory", peak_mb, "MB", at_most=GOAL_MB)
            yield Measurement(f"long {stage}", frames / spent_s, f"frames/s, {frames} frames")


def _write_long_clip(path: Path) -> None:
    """Write a talking head that says the same again and again."""
    short, sound = path.with_name("short.mp4"), path.with_name("sound.pcm")
    write_talking_clip(short)
    wave = media.read_wave(short, SAMPLE_RATE_HZ)[: media.frame_count(short) * SAMPLE_RATE_HZ // RATE_HZ]
    sound.write_bytes((np.resize(wave, LENGTH_S * SAMPLE_RATE_HZ) * 32767).astype("<i2").tobytes())
    picture = ["-stream_loop", "-1", "-i", str(short)]
    heard = ["-f", "s16le", "-ar", str(SAMPLE_RATE_HZ), "-ac", "1", "-i", str(sound)]
    streams = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-frames:v", str(LENGTH_S * RATE_HZ), "-c:a", "aac"]
    subprocess.run([media.ffmpeg_path(), "-v", "error", *picture, *heard, *streams, str(path)], check=True)


def _peak_mb(arguments: list[str]) -> float:
    process = subprocess.Popen([sys.executable, "-m", "tavce", *arguments], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"tavce {arguments[0]} failed"
    return usage.ru_maxrss / 1024
