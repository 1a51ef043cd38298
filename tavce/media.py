"""Media files by ffmpeg and PyAV, which only this room and `cutting` call: look into a file, decode, encode.

ffmpeg is the system's where there is one, else the static one of the wheel `imageio-ffmpeg`.
Shapes: T frames, N samples, H × W pixels.
"""

import contextlib
import itertools
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import av
import ffmpeg
import imageio_ffmpeg
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from ffmpeg.nodes import FilterableStream, OutputStream

from tavce.records import ClipError, Reason

H264 = {"vcodec": "libx264", "pix_fmt": "yuv420p", "flags": "+bitexact", "fflags": "+bitexact"}  # names no versions
UNINDEXED = {"mpeg", "mpegts"}  # containers that know the time of what they hold, but not where keyframes are


@cache
def ffmpeg_path() -> str:
    """Return the ffmpeg executable: the system's, else the one in the `imageio-ffmpeg` wheel."""
    return shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


@cache
def ffmpeg_version() -> str:
    """Return the version that the ffmpeg executable names."""
    said = subprocess.run([ffmpeg_path(), "-version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return said.split(maxsplit=3)[2]


@dataclass(frozen=True)
class Probe:
    """What a file says of itself, and which of its streams are meant.

    Of several pictures it is the largest, never a cover; of several sounds the first marked as default, else the first.
    """

    width_px: int  # as stored, before rotation and wide pixels are undone
    height_px: int
    start_s: float  # of the picture, from the file's first moment on; rounded down to a microsecond
    picture_s: float | None  # how long the picture lasts; None where no header or index says so
    picture: int  # index among the file's streams
    sound: int | None  # None where there is none
    indexed: bool  # a seek lands on a keyframe
    container: str  # as ffmpeg names it: mov,mp4,m4a,3gp,3g2,mj2
    codec: str  # of the picture
    rate_hz: float | None  # frames a second, on average; None where the file does not say


def probe(path: str | Path) -> Probe:
    """Return what is in a video file.

    Raises:
        ClipError: `missing_file`, `empty_file`, or `not_a_video` (nothing that ffmpeg opens, or no picture to decode).
    """
    _require_bytes(path)
    try:
        with av.open(str(path)) as container:
            known = [stream for stream in container.streams if stream.codec_context]
            pictures = [s for s in known if s.type == "video" and not s.disposition & Disposition.attached_pic]
            if not pictures:
                raise ClipError(Reason.NOT_A_VIDEO, f"{path} has no video stream that can be decoded")
            video = max(pictures, key=lambda stream: stream.width * stream.height)
            sounds = [stream for stream in known if stream.type == "audio"]
            sounds.sort(key=lambda stream: not stream.disposition & Disposition.default)
            sound = sounds[0].index if sounds else None
            indexed = container.format.name not in UNINDEXED
            lasts_s = float(video.duration * video.time_base) if video.duration and indexed else None
            start_s = _start_s(container, video)
            rate_hz = float(video.average_rate) if video.average_rate else None
            streams = video.index, sound, indexed, container.format.name, video.codec_context.name, rate_hz
            return Probe(video.width, video.height, start_s, lasts_s, *streams)
    except (av.error.FFmpegError, ValueError) as error:
        raise ClipError(Reason.NOT_A_VIDEO, f"{path}: {error}") from error


def _require_bytes(path: str | Path) -> None:
    if not Path(path).is_file():
        raise ClipError(Reason.MISSING_FILE, f"{path} is not there")
    if Path(path).stat().st_size == 0:
        raise ClipError(Reason.EMPTY_FILE, f"{path} has no bytes")


def _start_s(container: av.container.InputContainer, video: av.VideoStream) -> float:
    start = math.floor((video.start_time or 0) * video.time_base * av.time_base) - (container.start_time or 0)
    return max(0, start) / av.time_base


def frame_count(video: BinaryIO | str | Path) -> int:
    """Return how many frames an mp4, an open file or a path, has, from its header (0 where it has no picture)."""
    with av.open(_source(video)) as container:
        return container.streams.video[0].frames if container.streams.video else 0


def frame_size(video: BinaryIO | str | Path) -> tuple[int, int]:
    """Return how wide and how high the picture of a video, an open file or a path, is, px."""
    with av.open(_source(video)) as container:
        return container.streams.video[0].width, container.streams.video[0].height


def decode(video: BinaryIO | str | Path) -> Iterator[np.ndarray]:
    """Yield the frames of a video, an open file or a path, uint8 [H, W, 3] RGB, one after the other."""
    with av.open(_source(video)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        to_rgb = VideoReformatter()  # one for all frames: each would else set up its own
        for frame in container.decode(video=0):
            yield to_rgb.reformat(frame, format="rgb24").to_ndarray()


def _source(video: BinaryIO | str | Path) -> BinaryIO | str:
    return str(video) if isinstance(video, Path) else video


def read_wave(path: str | Path, sample_rate_hz: int) -> np.ndarray:
    """Return the sound of any media file as mono float32 [N] in [-1, 1].

    Raises:
        ClipError: `missing_file`, `empty_file`, `no_audio` where the file has no sound, or `damaged` where it is
            nothing that ffmpeg reads to its end.
    """
    with sound_stream(path) as (container, stream):
        resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
        chunks = [out.to_ndarray().ravel() for frame in container.decode(stream) for out in resampler.resample(frame)]
        chunks += [out.to_ndarray().ravel() for out in resampler.resample(None)] if chunks else []
    wave = (np.concatenate(chunks) if chunks else np.zeros(0, np.int16)).astype(np.float32)
    wave /= 32768  # in place: hours are read
    return wave


@contextlib.contextmanager
def sound_stream(path: str | Path) -> Iterator[tuple[av.container.InputContainer, av.AudioStream]]:
    """Yield a media file, open, and the first sound in it that can be decoded; what ffmpeg says becomes a ClipError.

    Raises:
        ClipError: as `read_wave`, within the block too.
    """
    _require_bytes(path)
    try:
        with av.open(os.path.abspath(path)) as container:
            sounds = [stream for stream in container.streams.audio if stream.codec_context]
            if not sounds:
                raise ClipError(Reason.NO_AUDIO, f"{path} has no audio stream that can be decoded")
            yield container, sounds[0]
    except (av.error.FFmpegError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise ClipError(Reason.DAMAGED, f"{path} cannot be read as sound: {words}") from error


@dataclass(frozen=True)
class VideoFormat:
    """How a finished video is written."""

    rate_hz: int
    sample_rate_hz: int
    crf: int
    preset: str
    comment: str = ""  # stored in the file's metadata


def write_video(
    path: str | Path, frames: Iterable[np.ndarray], sound: np.ndarray | FilterableStream, shape: VideoFormat
) -> None:
    """Write uint8 [H, W, 3] RGB frames and their sound as H.264 + AAC in an mp4.

    The same frames, sound and format give the same bytes, whatever the machine's number of cores.

    Args:
        path: where to; an mp4.
        frames: any number above 0, taken one by one.
        sound: a float32 wave [N] at `shape.sample_rate_hz`, or what `Soundtrack.lasting` returns.
        shape: how it is written.

    Raises:
        ValueError: there is no frame.
        ClipError: `not_a_video` with ffmpeg's last words.
    """
    with tempfile.TemporaryDirectory(prefix="tavce-mux-") as folder:
        if isinstance(sound, np.ndarray):
            sound = _pcm(Path(folder, "wave.pcm"), sound, shape.sample_rate_hz)
        frames = iter(frames)
        first = next(frames, None)
        if first is None:
            raise ValueError(f"{path}: a video needs at least one frame")
        height, width = first.shape[:2]
        picture = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=shape.rate_hz)
        arguments = ffmpeg.compile(_mux(picture, sound, path, shape), cmd=ffmpeg_path(), overwrite_output=True)
        with open(Path(folder, "errors"), "w+b") as errors:
            process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=errors)
            _feed(process, first, frames)
            if process.wait() != 0:
                errors.seek(0)
                words = errors.read().decode(errors="replace").strip()
                raise ClipError(Reason.NOT_A_VIDEO, f"{path}: ffmpeg: {words}")


def _pcm(path: Path, wave: np.ndarray, sample_rate_hz: int) -> FilterableStream:
    path.write_bytes((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes())
    return ffmpeg.input(str(path), f="s16le", ar=sample_rate_hz, ac=1).audio


def _mux(picture: FilterableStream, sound: FilterableStream, path: str | Path, shape: VideoFormat) -> OutputStream:
    speed = {"preset": shape.preset, "threads": 1}  # another number of threads makes other bytes
    notes = {"movflags": "+faststart", "metadata": f"comment={shape.comment}", "map_metadata": -1, "map_chapters": -1}
    command = ffmpeg.output(picture.video, sound, str(path), crf=shape.crf, acodec="aac", **notes, **speed, **H264)
    return command.global_args("-hide_banner", "-loglevel", "error")


def _feed(process: subprocess.Popen, first: np.ndarray, rest: Iterator[np.ndarray]) -> None:
    """Write all frames; where ffmpeg has gone, leave it to its exit status to say why."""
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(process.wait)
        on_failure.callback(process.kill)
        with contextlib.suppress(BrokenPipeError), process.stdin:
            for frame in itertools.chain([first], rest):
                process.stdin.write(np.ascontiguousarray(frame))
        on_failure.pop_all()
