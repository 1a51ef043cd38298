"""The sound of any media file as a video of one's own carries it: at its own rate, with its own channels.

Source  players know AAC at these rates; a frame at 25 a second is a whole number of samples at each
"""

import os
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
from ffmpeg.nodes import FilterableStream

from tavce.media import sound_stream

AAC_RATES_HZ = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(frozen=True)
class Soundtrack:
    """The first sound of a media file that can be decoded."""

    path: str
    stream: int  # index among the file's streams
    rate_hz: int  # its own, where AAC_RATES_HZ has it; else the next above it there, or the highest
    channels: int  # 1, or 2 where it has two or more

    def lasting(self, seconds: float) -> FilterableStream:
        """Return ffmpeg's filters that make it exactly so long, from its first sample on, silent after its last."""
        count = round(seconds * self.rate_hz)
        return (
            ffmpeg.input(os.path.abspath(self.path))[str(self.stream)]
            .filter("asetpts", "N/SR/TB")  # gaps are closed, as `read_wave` closes them
            .filter("aresample", self.rate_hz)
            .filter("aformat", sample_fmts="s16", channel_layouts="mono" if self.channels == 1 else "stereo")
            .filter("apad", whole_len=count)
            .filter("atrim", end_sample=count)
        )


def soundtrack_of(path: str | Path) -> Soundtrack:
    """Return the sound of a media file.

    Raises:
        ClipError: as `media.read_wave`.
    """
    with sound_stream(path) as (_, stream):
        rate_hz = next((rate for rate in AAC_RATES_HZ if rate >= stream.rate), AAC_RATES_HZ[-1])
        return Soundtrack(str(path), stream.index, rate_hz, min(2, stream.channels))
