"""Look closely at a part of a video that ffmpeg complained of.

ffmpeg goes on where it cannot decode: it shows the frame before once more, or half a frame, and leaves the sound
silent. What it says of that names no time, and may be of frames around a cut. Here the part is decoded once more,
packet by packet, so this is for files with complaints only.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from tavce.media import probe
from tavce.records import ClipError, Reason

HOLE_S = 0.2  # in the sound: it is longer only where packets are lost
DELAY_S = 1.0  # of the decoder, at most: so much later it has given a frame out


def check(path: str | Path, start_s: float, end_s: float) -> None:
    """Return where everything between two times, from the picture's first frame on, can be decoded.

    The picture is checked from the keyframe before the part on, since its frames depend on those in between.

    Raises:
        ClipError: as `media.probe`; `damaged` where a frame or some sound is lost or broken.
    """
    found = probe(path)
    with av.open(str(path)) as container:
        zero_s = (container.start_time or 0) / av.time_base + found.start_s
        streams = [container.streams[index] for index in (found.picture, found.sound) if index is not None]
        losses_s = [
            loss_s - zero_s
            for stream in streams
            for loss_s in _losses_s(container, stream, zero_s + start_s, zero_s + end_s)
        ]
    if losses_s:
        raise ClipError(
            Reason.DAMAGED, f"{path}: cannot be decoded in {len(losses_s)} places from {min(losses_s):.2f} s"
        )


def _losses_s(
    container: av.container.InputContainer, stream: av.stream.Stream, start_s: float, end_s: float
) -> Iterator[float]:
    """Yield when something of a stream is lost, by the file's own clock."""
    since_s, reached_s = math.inf, start_s
    for packet in _packets(container, stream, start_s):
        if packet.is_keyframe:
            since_s = min(since_s, _time_s(packet, start_s))
        for piece in _decoded(packet, reached_s):
            hole = stream.type == "audio" and piece.start_s - reached_s > HOLE_S
            if hole and reached_s < end_s and piece.start_s > start_s:
                yield reached_s
            if piece.broken and since_s <= piece.start_s < end_s:
                yield piece.start_s
            reached_s = piece.end_s
        if packet.dts is not None and packet.dts * packet.time_base >= end_s + DELAY_S:
            return


def _packets(container: av.container.InputContainer, stream: av.stream.Stream, start_s: float) -> Iterator[av.Packet]:
    """Yield a stream's packets from some time on, or all where a file cannot be sought in."""
    with contextlib.suppress(av.error.FFmpegError):
        container.seek(round(start_s / stream.time_base), stream=stream)
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as error:
        raise ClipError(Reason.DAMAGED, f"{container.name}: {error}") from error
    except IndexError:  # PyAV's at the end of a file, where noise looked like one more stream
        return


@dataclass(frozen=True)
class _Piece:
    """A frame of picture or sound, or a packet that gave none."""

    start_s: float
    end_s: float
    broken: bool


def _decoded(packet: av.Packet, reached_s: float) -> list[_Piece]:
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        at_s = _time_s(packet, reached_s)
        return [_Piece(at_s, at_s, broken=True)]
    return [_piece(frame, reached_s) for frame in frames]


def _piece(frame: av.VideoFrame | av.AudioFrame, reached_s: float) -> _Piece:
    start_s = reached_s if frame.time is None else frame.time
    lasts_s = frame.samples / frame.sample_rate if isinstance(frame, av.AudioFrame) else 0.0
    return _Piece(start_s, start_s + lasts_s, frame.is_corrupt)


def _time_s(packet: av.Packet, else_s: float) -> float:
    """Return a packet's time; the one that only asks for what the decoder still holds has none."""
    stamp = packet.dts if packet.pts is None else packet.pts
    return else_s if stamp is None else float(stamp * packet.time_base)
