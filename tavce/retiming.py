"""The frames of any video at a constant rate, upright and with square pixels.

Time    counted from the picture's first frame; frame i is the newest picture not half a frame ahead, as in `cutting`
Shapes: H × W pixels.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import ffmpeg
import numpy as np

from tavce import damage
from tavce.cutting import square_pixels
from tavce.media import ffmpeg_path, probe
from tavce.records import ClipError, Reason

QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-filter_threads", "1")


def frames_at(path: str | Path, rate_hz: int) -> Iterator[np.ndarray]:
    """Yield the frames of a video, uint8 [H, W, 3] RGB, `rate_hz` a second, whatever its own rate.

    Raises:
        ClipError: as `media.probe`; `damaged` where ffmpeg gives up, there is no frame, or something of picture or
            sound is lost. It is raised when all that can be decoded has been yielded.
    """
    found = probe(path)
    picture = ffmpeg.input(str(path), threads=1)[str(found.picture)].filter("setpts", "PTS-STARTPTS")
    picture = square_pixels(picture.filter("fps", fps=rate_hz, start_time=0, round="near"))
    output = ffmpeg.output(picture, "pipe:", f="image2pipe", vcodec="ppm").global_args(*QUIET)
    count = 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(ffmpeg.compile(output, cmd=ffmpeg_path()), stdout=subprocess.PIPE, stderr=said)
        try:
            while (frame := _read_ppm(process.stdout)) is not None:
                count += 1
                yield frame
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        said.seek(0)
        complaints = said.read().decode(errors="replace").strip().splitlines()
    if status != 0 or not count:
        raise ClipError(Reason.DAMAGED, f"{path}: {count} frames, then ffmpeg: {(complaints or ['no message'])[-1]}")
    if complaints:
        damage.check(path, 0, count / rate_hz)


def _read_ppm(pipe: BinaryIO) -> np.ndarray | None:
    """Return the next picture of a pipe of binary PPMs as ffmpeg writes them; None at its end, or within a picture."""
    if not pipe.readline():  # P6
        return None
    width, height = map(int, pipe.readline().split())
    pipe.readline()  # 255
    pixels = pipe.read(height * width * 3)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3) if len(pixels) == height * width * 3 else None
