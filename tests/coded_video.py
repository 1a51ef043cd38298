"""Small videos whose every frame shows its own number, as eight black or white bars."""

import io
import math
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from tavce import media

BITS, BAR_PX, HEIGHT_PX = 8, 16, 64
WIDTH_PX = BITS * BAR_PX
TICKS_HZ = 90_000
SAMPLE_RATE_HZ = 16_000


def coded_frame(number: int) -> np.ndarray:
    """Return the picture uint8 [64, 128, 3] of a number below 256."""
    bars = np.array([number >> bit & 1 for bit in range(BITS)], np.uint8) * 255
    return np.tile(np.repeat(bars, BAR_PX)[None, :, None], (HEIGHT_PX, 1, 3))


def read_number(frame: np.ndarray) -> int:
    """Return the number that a frame shows, whatever its size."""
    bars = np.array_split(frame.mean(axis=(0, 2)), BITS)
    return sum(1 << bit for bit, bar in enumerate(bars) if bar[len(bar) // 4 : -len(bar) // 4 or None].mean() > 127)


def numbers(video: bytes | BinaryIO) -> list[int]:
    """Return what the frames of a video show."""
    source = io.BytesIO(video) if isinstance(video, bytes) else video
    return [read_number(frame) for frame in media.decode(source)]


def steady(rate_hz: Fraction | int, frames: int) -> list[Fraction]:
    """Return the times, in seconds, of frames at a constant rate."""
    return [number / Fraction(rate_hz) for number in range(frames)]


def uneven(frames: int, seed: int = 1) -> list[Fraction]:
    """Return the times of frames 10 to 70 ms apart."""
    gaps = np.random.default_rng(seed).integers(10, 70, frames - 1)
    return [Fraction(int(at), 1000) for at in np.concatenate([[0], np.cumsum(gaps)])]


def shown(times: Sequence[Fraction], start_frame: int, frames: int) -> list[int]:
    """Return which source frame belongs into each frame at 25 a second: the newest not half a frame ahead."""
    slots = [math.floor(time * 25 + Fraction(1, 2)) for time in times]
    return [max(n for n, slot in enumerate(slots) if slot <= at) for at in range(start_frame, start_frame + frames)]


def write_coded(path: Path, times: Sequence[Fraction], wave: np.ndarray | None = None) -> Path:
    """Write one coded frame at each time, and float32 [N] sound at 16 kHz where there is some."""
    with av.open(str(path), "w") as container:
        last_rate_hz = 1 / (times[-1] - times[-2])  # how long the last frame lasts
        picture = container.add_stream("libx264", rate=last_rate_hz, options={"preset": "ultrafast", "crf": "18"})
        picture.width, picture.height, picture.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        picture.codec_context.time_base = Fraction(1, TICKS_HZ)
        sound = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono") if wave is not None else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(coded_frame(number), format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS_HZ), Fraction(1, TICKS_HZ)
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        if sound is not None:
            samples = (np.clip(wave, -1, 1) * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, 0
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def tone(seconds: float) -> np.ndarray:
    """Return a tone of 440 Hz, float32 [N]."""
    return 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ, dtype=np.float32)


def click(at_s: float, seconds: float) -> np.ndarray:
    """Return silence with one short click, float32 [N]."""
    wave = np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)
    start = round(at_s * SAMPLE_RATE_HZ)
    wave[start : start + 16] = 0.9
    return wave


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg, which must succeed."""
    command = [media.ffmpeg_path(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


def turn(source: Path, path: Path, degrees: int) -> Path:
    """Copy an mp4 and have its picture shown turned clockwise by 0, 90, 180 or 270 degrees."""
    content = bytearray(source.read_bytes())
    matrix = content.index(b"tkhd") + 44  # a, b, u, c, d, v, x, y, w; of the first track
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    for place, value in ((0, cosine), (1, sine), (3, -sine), (4, cosine)):
        content[matrix + 4 * place : matrix + 4 * place + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    return path
