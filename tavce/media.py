"""The only caller of ffmpeg and PyAV: look into a file, cut a clip out of it, decode and encode frames.

ffmpeg is the system's where there is one, else the static one of the wheel `imageio-ffmpeg`.
Shapes: T frames, N samples, H × W pixels.
"""

import contextlib
import io
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import ffmpeg
import imageio_ffmpeg
import numpy as np

from tavce.records import ClipError, Reason

H264 = {"vcodec": "libx264", "pix_fmt": "yuv420p", "flags": "+bitexact", "fflags": "+bitexact"}  # names no versions
LEAD_FRAMES = 25  # decoded before a cut and thrown away, so that a seek's rounding cannot move the first frame


@cache
def ffmpeg_path() -> str:
    """Return the ffmpeg executable: the system's, else the one in the `imageio-ffmpeg` wheel."""
    return shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


@dataclass(frozen=True)
class Probe:
    """What a file says of itself."""

    width_px: int
    height_px: int
    picture_s: float | None  # when the picture ends, from the file's first moment on; None where no header says so
    has_audio: bool


def probe(path: str | Path) -> Probe:
    """Return what is in a video file.

    Raises:
        ClipError: `missing_file`, `empty_file`, or `not_a_video` (nothing that ffmpeg opens, or no picture).
    """
    path = Path(path)
    if not path.is_file():
        raise ClipError(Reason.MISSING_FILE, f"{path} is not there")
    if path.stat().st_size == 0:
        raise ClipError(Reason.EMPTY_FILE, f"{path} has no bytes")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(Reason.NOT_A_VIDEO, f"{path} has no video stream")
            video = container.streams.video[0]
            return Probe(video.width, video.height, _picture_end_s(container), bool(container.streams.audio))
    except (av.error.FFmpegError, ValueError) as error:
        raise ClipError(Reason.NOT_A_VIDEO, f"{path}: {error}") from error


def _picture_end_s(container: av.container.InputContainer) -> float | None:
    video = container.streams.video[0]
    if not video.duration:
        return None
    end_s = float(((video.start_time or 0) + video.duration) * video.time_base)
    return end_s - (container.start_time or 0) / av.time_base


@dataclass(frozen=True)
class CutFormat:
    """What a cut clip looks like: frame rate, sample rate, and how the frames are compressed."""

    rate_hz: int
    sample_rate_hz: int
    crf: int
    preset: str


@dataclass(frozen=True)
class Clip:
    """A cut clip: an mp4 with `frames` frames and no sound, and its sound."""

    video: bytes
    frames: int
    expected: int | None  # the frames asked for, else what the file's header promises
    wave: np.ndarray  # int16 [N], mono


def cut(path: str | Path, start_frame: int, frames: int | None, shape: CutFormat) -> Clip:
    """Cut `frames` frames from `start_frame` on (at the clip's rate; None = to the end), and their sound.

    The source is resampled in time, not relabelled: each output frame is the newest source frame that is not
    half an output frame ahead. Rotation and non-square pixels are undone. The sound keeps its place in the picture.

    Raises:
        ClipError: `not_a_video` with ffmpeg's last words; `missing_frames` where the picture ends before the clip.
    """
    expected = _frames_from(path, start_frame, shape.rate_hz) if frames is None else frames
    lead = min(start_frame, LEAD_FRAMES)
    window = {"ss": (start_frame - lead) / shape.rate_hz, "threads": 1}
    if frames is not None:
        window["t"] = (lead + frames + shape.rate_hz) / shape.rate_hz
    source = ffmpeg.input(str(path), **window)
    picture = (
        source.video.filter("fps", fps=shape.rate_hz, start_time=0, round="near")
        .filter("trim", start_frame=lead, **({} if expected is None else {"end_frame": lead + expected}))
        .filter("setpts", "PTS-STARTPTS")
        .filter("scale", "max(2,trunc(iw*if(sar,sar,1)/2)*2)", "max(2,trunc(ih/2)*2)")
        .filter("setsar", "1")
    )
    sound = (
        source.audio.filter("aresample", shape.sample_rate_hz, first_pts=0, **{"async": 1})
        .filter("atrim", start=lead / shape.rate_hz)
        .filter("asetpts", "PTS-STARTPTS")
    )
    with tempfile.TemporaryDirectory(prefix="tavce-cut-") as folder:
        video_path, wave_path = Path(folder, "clip.mp4"), Path(folder, "clip.pcm")
        outputs = (
            _encode(picture, video_path, shape),
            ffmpeg.output(sound, str(wave_path), f="s16le", ac=1, ar=shape.sample_rate_hz),
        )
        _run(ffmpeg.merge_outputs(*outputs), path)
        wave = np.fromfile(wave_path, np.int16)
        video = video_path.read_bytes()
    count = frame_count(video)
    if frames is not None:
        wave = wave[: frames * shape.sample_rate_hz // shape.rate_hz]
    return Clip(video, count, expected, wave)


def _frames_from(path: str | Path, start_frame: int, rate_hz: int) -> int | None:
    """Return how many frames the file's header promises from `start_frame` on, None where it does not say."""
    picture_s = probe(path).picture_s
    if picture_s is None:
        return None
    frames = round(picture_s * rate_hz)
    if frames <= start_frame:
        raise ClipError(Reason.MISSING_FRAMES, f"{path}: the picture ends at frame {frames}, before {start_frame}")
    return frames - start_frame


def _encode(picture: object, path: Path, shape: CutFormat) -> object:
    one = {"threads": 1}  # another number of threads makes other bytes
    return ffmpeg.output(picture, str(path), crf=shape.crf, preset=shape.preset, map_metadata=-1, **one, **H264)


def _run(command: object, path: str | Path) -> None:
    command = command.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-filter_threads", "1")
    try:
        ffmpeg.run(command, cmd=ffmpeg_path(), capture_stdout=True, capture_stderr=True, overwrite_output=True)
    except ffmpeg.Error as error:
        words = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ClipError(Reason.NOT_A_VIDEO, f"{path}: ffmpeg: {words[-1]}") from error


def frame_count(video: bytes) -> int:
    """Return how many frames an mp4 held in memory has, from its header (0 where it has no picture)."""
    with av.open(io.BytesIO(video)) as container:
        return container.streams.video[0].frames if container.streams.video else 0


def decode(video: bytes | str | Path) -> Iterator[np.ndarray]:
    """Yield the frames of a video, uint8 [H, W, 3] RGB, one after the other."""
    source = io.BytesIO(video) if isinstance(video, bytes) else str(video)
    with av.open(source) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def read_wave(path: str | Path, sample_rate_hz: int) -> np.ndarray:
    """Return the sound of any media file as mono float32 [N] in [-1, 1].

    Raises:
        ClipError: `no_audio` where the file has no sound.
    """
    with av.open(str(path)) as container:
        if not container.streams.audio:
            raise ClipError(Reason.NO_AUDIO, f"{path} has no audio stream")
        resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
        chunks = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        chunks += resampler.resample(None)
    samples = [chunk.to_ndarray().ravel() for chunk in chunks]
    return (np.concatenate(samples) if samples else np.zeros(0, np.int16)).astype(np.float32) / 32768


@dataclass(frozen=True)
class VideoFormat:
    """How a finished video is written."""

    rate_hz: int
    sample_rate_hz: int
    crf: int
    preset: str
    comment: str = ""  # stored in the file's metadata


def write_video(path: str | Path, frames: Iterable[np.ndarray], wave: np.ndarray, shape: VideoFormat) -> None:
    """Write uint8 [H, W, 3] RGB frames and a float32 [N] wave as H.264 + AAC in an mp4.

    The same frames, wave and format give the same bytes, whatever the machine's number of cores.

    Raises:
        ValueError: there is no frame.
        ClipError: `not_a_video` with ffmpeg's last words.
    """
    with tempfile.TemporaryDirectory(prefix="tavce-mux-") as folder:
        pcm = Path(folder, "wave.pcm")
        pcm.write_bytes((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes())
        frames = iter(frames)
        first = next(frames, None)
        if first is None:
            raise ValueError(f"{path}: a video needs at least one frame")
        height, width = first.shape[:2]
        picture = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=shape.rate_hz)
        sound = ffmpeg.input(str(pcm), f="s16le", ar=shape.sample_rate_hz, ac=1)
        arguments = ffmpeg.compile(_mux(picture, sound, path, shape), cmd=ffmpeg_path(), overwrite_output=True)
        with open(Path(folder, "errors"), "w+b") as errors:
            process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=errors)
            _feed(process, first, frames)
            if process.wait() != 0:
                errors.seek(0)
                words = errors.read().decode(errors="replace").strip()
                raise ClipError(Reason.NOT_A_VIDEO, f"{path}: ffmpeg: {words}")


def _mux(picture: object, sound: object, path: str | Path, shape: VideoFormat) -> object:
    speed = {"preset": shape.preset, "threads": 1}  # another number of threads makes other bytes
    notes = {"movflags": "+faststart", "metadata": f"comment={shape.comment}"}
    streams = (picture.video, sound.audio)
    command = ffmpeg.output(*streams, str(path), crf=shape.crf, acodec="aac", **notes, **speed, **H264)
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
