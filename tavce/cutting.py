"""Cut a clip out of a video: its frames at the clip's rate as an mp4, and its sound as samples.

Time    counted from the picture's first frame; frame i of a clip from frame a on is the picture at (a + i) / rate
Shapes: N samples.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np
from ffmpeg.nodes import FilterableStream

from tavce.media import H264, Probe, ffmpeg_path, frame_count, probe
from tavce.records import ClipError, Reason

LEAD_FRAMES = 25  # decoded before a cut and thrown away, so that a seek's rounding cannot move the first frame


@dataclass(frozen=True)
class CutFormat:
    """What a cut clip looks like: frame rate, sample rate, and how the frames are compressed."""

    rate_hz: int
    sample_rate_hz: int
    crf: int
    preset: str
    max_frames: int = 2**31  # a longer clip is refused; not cut to this length


@dataclass(frozen=True)
class Span:
    """Which part of a video, in frames at the clip's rate, and how its sound lies to its picture."""

    start_frame: int
    frames: int | None = None  # None = to the end
    audio_offset_frames: int = 0  # video index - audio index, as SyncNet gives it: above 0 the sound is early

    @property
    def early_frames(self) -> int:
        """How much sooner than the picture its sound begins in the file."""
        return max(0, self.audio_offset_frames)

    @property
    def late_frames(self) -> int:
        """How much later than the picture its sound ends in the file."""
        return max(0, -self.audio_offset_frames)

    def seconds(self, frames: int, rate_hz: int) -> tuple[float, float]:
        """Return from when to when picture or sound of the clip, which has so many frames, lies in the source."""
        start_frame = max(0, self.start_frame - self.early_frames)
        return start_frame / rate_hz, (self.start_frame + frames + self.late_frames) / rate_hz


@dataclass(frozen=True)
class Clip:
    """A cut clip: an mp4 with `frames` frames and no sound, and its sound."""

    video: Path
    frames: int
    expected: int | None  # the frames asked for, else what the file's header promises
    wave: np.ndarray  # int16 [N], mono, as long as the frames; zeros before the source's picture and after its sound
    sound_frames: float  # from the clip's first frame to where the file's sound ends, as far as it was read
    complained: bool  # ffmpeg did, maybe of what lies around the clip: `damage.check` says


def cut(path: str | Path, span: Span, shape: CutFormat, folder: str | Path) -> Clip:
    """Cut a span of a video, and its sound; the picture goes into a new file of a folder.

    The source is resampled in time, not relabelled: each output frame is the newest source frame that is not
    half an output frame ahead. Rotation and non-square pixels are undone, sides are rounded to even numbers.
    The sound keeps its place in the picture, but for the span's offset: it is taken from that much earlier.

    Raises:
        ClipError: as `media.probe`; `no_audio`; `not_a_video` with ffmpeg's last words; `missing_frames` where the
            picture ends before the clip; `too_long`.
    """
    found = probe(path)
    if found.sound is None:
        raise ClipError(Reason.NO_AUDIO, f"{path} has no audio stream")
    # all of it is the lead where a seek finds no keyframe
    lead = min(span.start_frame, LEAD_FRAMES + span.early_frames) if found.indexed else span.start_frame
    promised = _frames_from(path, found, span.start_frame, shape.rate_hz) if span.frames is None else span.frames
    _check_length(path, promised, shape.max_frames)
    with tempfile.TemporaryDirectory(prefix="cut-", dir=folder) as part:
        video_path, wave_path = Path(part, "clip.mp4"), Path(part, "clip.pcm")
        source = ffmpeg.input(str(path), **_window(span, lead, shape, found.start_s))
        picture = _picture(source[str(found.picture)], lead, promised, shape.rate_hz)
        sound = source[str(found.sound)].filter("aresample", shape.sample_rate_hz, first_pts=0, **{"async": 1})
        one = {"threads": 1}  # another number of threads makes other bytes
        notes = {"crf": shape.crf, "preset": shape.preset, "map_metadata": -1}
        outputs = (
            ffmpeg.output(picture, str(video_path), **notes, **one, **H264),
            ffmpeg.output(sound, str(wave_path), f="s16le", ac=1, ar=shape.sample_rate_hz),
        )
        complained = _run(ffmpeg.merge_outputs(*outputs), path)
        heard = np.fromfile(wave_path, np.int16)
        frames = frame_count(video_path)
        _check_length(path, frames, shape.max_frames)
        video = video_path.replace(f"{part}.mp4")
    sound_frames = len(heard) * shape.rate_hz / shape.sample_rate_hz - lead
    wave = _excerpt(heard, lead - span.audio_offset_frames, frames, shape)
    return Clip(video, frames, promised, wave, sound_frames, complained)


def _frames_from(path: str | Path, found: Probe, start_frame: int, rate_hz: int) -> int | None:
    """Return how many frames the file's header promises from `start_frame` on, None where it does not say."""
    if found.picture_s is None:
        return None
    frames = round(found.picture_s * rate_hz)
    if frames <= start_frame:
        raise ClipError(Reason.MISSING_FRAMES, f"{path}: the picture ends at frame {frames}, before {start_frame}")
    return frames - start_frame


def _check_length(path: str | Path, frames: int | None, max_frames: int) -> None:
    if frames is not None and frames > max_frames:
        raise ClipError(Reason.TOO_LONG, f"{path}: more than {max_frames} frames: name start and end of parts of it")


def _window(span: Span, lead_frames: int, shape: CutFormat, zero_s: float) -> dict[str, float]:
    """Return what is read of the file: the span, what its sound needs around it, and a second more."""
    frames = shape.max_frames if span.frames is None else span.frames
    return {
        "ss": zero_s + (span.start_frame - lead_frames) / shape.rate_hz,
        "t": (lead_frames + frames + span.late_frames + shape.rate_hz) / shape.rate_hz,
        "threads": 1,
    }


def _picture(source: FilterableStream, lead_frames: int, frames: int | None, rate_hz: int) -> FilterableStream:
    end = {} if frames is None else {"end_frame": lead_frames + frames}
    steady = source.filter("fps", fps=rate_hz, start_time=0, round="near")
    span = steady.filter("trim", start_frame=lead_frames, **end)
    return square_pixels(span.filter("setpts", "PTS-STARTPTS"))


def square_pixels(picture: FilterableStream) -> FilterableStream:
    """Return a picture, filtered so that its pixels are square and its sides are even numbers."""
    even = ("max(2,round(iw*if(sar,sar,1)/2)*2)", "max(2,round(ih/2)*2)")
    return picture.filter("scale", *even).filter("setsar", "1")


def _excerpt(wave: np.ndarray, start_frame: int, frames: int, shape: CutFormat) -> np.ndarray:
    """Return the samples of some frames of a wave, with zeros where they lie outside of it."""
    start, end = (frame * shape.sample_rate_hz // shape.rate_hz for frame in (start_frame, start_frame + frames))
    inside = wave[max(0, start) : max(0, end)]
    before = min(max(0, -start), end - start)
    return np.pad(inside, (before, end - start - before - len(inside)))


def _run(command: object, path: str | Path) -> bool:
    """Run ffmpeg and return whether it complained, though it came to its end."""
    command = command.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-filter_threads", "1")
    try:
        _, said = ffmpeg.run(
            command, cmd=ffmpeg_path(), capture_stdout=True, capture_stderr=True, overwrite_output=True
        )
    except ffmpeg.Error as error:
        words = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ClipError(Reason.NOT_A_VIDEO, f"{path}: ffmpeg: {words[-1]}") from error
    return bool(said.strip())
