"""Videos that browsers play: H.264, 8 bit, 4:2:0, in an mp4, with AAC or no sound. Others are encoded anew.

Source  MDN, "Media type and format guide": what Chromium, Firefox and Safari share
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import ffmpeg

from tavce.media import H264, ffmpeg_path, probe
from tavce.records import ClipError, Reason

PIXELS = {"yuv420p", "yuvj420p"}
SOUNDS = {"aac", "mp3"}
CRF, PRESET = 16, "veryfast"
EVEN = {"out_w": "trunc(iw/2)*2", "out_h": "trunc(ih/2)*2", "x": 0, "y": 0}  # 4:2:0 knows no odd sides


@dataclass(frozen=True)
class WebVideo:
    """What a player must know of a video."""

    frames: int
    rate_hz: float  # mean over the video
    sound: bool


def plays_in_browsers(path: str | Path) -> bool:
    """Return whether browsers play a video as it is.

    Raises:
        ClipError: as `media.probe`.
    """
    streams = probe(path)
    with av.open(str(path)) as container:
        picture = container.streams[streams.picture].codec_context
        sound = None if streams.sound is None else container.streams[streams.sound].codec_context.name
        in_mp4 = "mp4" in container.format.name and container.metadata.get("major_brand", "").strip() != "qt"
        return in_mp4 and picture.name == "h264" and picture.pix_fmt in PIXELS and (sound is None or sound in SOUNDS)


def copy_for_browsers(source: str | Path, target: str | Path) -> WebVideo:
    """Copy a video byte by byte where browsers play it, else encode it anew; return what a player must know of it.

    Raises:
        ClipError: as `media.probe`; `not_a_video` with ffmpeg's last words.
    """
    if plays_in_browsers(source):
        shutil.copyfile(source, target)
    else:
        _encode(source, target)
    streams = probe(target)
    with av.open(str(target)) as container:
        picture = container.streams[streams.picture]
        return WebVideo(picture.frames, float(picture.average_rate), streams.sound is not None)


def _encode(source: str | Path, target: str | Path) -> None:
    streams = probe(source)
    given = ffmpeg.input(str(source))
    wanted = [given[str(streams.picture)].filter("crop", **EVEN)]
    wanted += [] if streams.sound is None else [given[str(streams.sound)]]
    how = {"acodec": "aac", "crf": CRF, "preset": PRESET, "movflags": "+faststart", "threads": 1, "map_metadata": -1}
    command = ffmpeg.output(*wanted, str(target), **how, **H264).global_args("-hide_banner", "-loglevel", "error")
    arguments = ffmpeg.compile(command, cmd=ffmpeg_path(), overwrite_output=True)
    done = subprocess.run(arguments, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, errors="replace")
    if done.returncode != 0:
        raise ClipError(Reason.NOT_A_VIDEO, f"{source}: ffmpeg: {done.stderr.strip()}")
