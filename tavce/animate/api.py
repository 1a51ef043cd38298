"""Make one portrait speak one speech, with the networks of one file.

Reads   a picture, a file with sound, and a talking-head model (`tavce pack`)
Writes  an mp4 (H.264, AAC) of as many frames as the speech has, with the speech's own sound; its metadata says that it
        is synthetic, by which model and options
Shapes: S side of the renderer's picture.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tavce.animate.blinking import eye_signal, natural_blinks
from tavce.animate.options import Options, check_inputs, choose_device, output_file, read_options
from tavce.animate.paste import PasteBack
from tavce.animate.picture import read_picture
from tavce.animate.portrait import CroppedPortrait, crop_portrait
from tavce.animate.speech import SpokenFile, read_speech
from tavce.config.learning import Window
from tavce.files import digest, whole
from tavce.generator import bundle
from tavce.generator.bundle import Bundle
from tavce.generator.talking import Manner, Portrait, Speech, TalkingNetworks, networks_of, synthetic_note, talk
from tavce.media import VideoFormat, write_video
from tavce.progress import progress
from tavce.records import ClipError, InputError

log = logging.getLogger(__name__)
MODEL = "results/models/ours.pt"
PRESET = "veryfast"


@dataclass(frozen=True)
class Animation:
    """A finished video."""

    path: Path
    frames: int
    seconds: float
    faces: int  # found in the picture
    model: str  # its name
    note: str  # the comment in the video's metadata


def animate(
    portrait: str | Path, speech: str | Path, out: str | Path, model: str | Path = MODEL, **options: Any
) -> Animation:
    """Write a video in which the portrait says the speech, whole or not at all, and return what was made.

    Args:
        portrait: a picture of a face.
        speech: an audio file, or a video with sound.
        out: the video, .mp4; one that is there is replaced when the video is finished.
        model: a talking-head model.
        options: fields of `tavce.animate.options.Options`, such as `pose="still"`.

    Raises:
        InputError: something given cannot be used; nothing has been written.
        SettingsError: an option is unknown or out of bounds.
    """
    wanted = read_options(options)
    check_inputs(portrait, speech, model)
    path = output_file(out, (portrait, speech, model))
    device = choose_device(wanted.device)
    with _threads(wanted.threads):
        loaded = bundle.load(model)
        wanted = wanted.filled(loaded.sections["synthesise"])
        scene = _scene(read_picture(portrait), Path(speech), loaded, wanted, device)
        note = synthetic_note(loaded.name, loaded.digest, wanted.digest)
        began = time.monotonic()
        scene.write(path, note)
    frames, took_s = scene.spoken.frames, time.monotonic() - began
    log.info("%s: %d frames in %.1f s, %.3g a second on %s", out, frames, took_s, frames / took_s, device)
    return Animation(path, frames, scene.spoken.seconds, scene.cropped.faces, loaded.name, note)


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Within: torch has so many threads; the caller's number comes back."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Scene:
    """What one video is made of."""

    networks: TalkingNetworks
    cropped: CroppedPortrait
    portrait: Portrait
    spoken: SpokenFile
    window: Window
    manner: Manner
    paste_back: bool
    crf: int

    def frames(self) -> Iterator[np.ndarray]:
        """Yield the frames one by one: uint8 [S, S, 3], or the whole picture's size.

        Raises:
            InputError: a batch does not fit into the GPU's memory.
        """
        heard = Speech(self.spoken.mel, self.spoken.frames, self.window)
        finish = PasteBack(self.cropped) if self.paste_back else np.asarray
        try:
            for batch in talk(self.networks, self.portrait, heard, self.manner):
                yield from map(finish, batch)
        except torch.OutOfMemoryError as error:
            raise InputError(f"batch {self.manner.batch} does not fit into the GPU's memory: give less") from error

    def write(self, path: Path, note: str) -> None:
        """Write the video, whole or not at all.

        Raises:
            InputError: as `frames`, or ffmpeg cannot write it.
        """
        shape = VideoFormat(self.window.rate_hz, self.spoken.soundtrack.rate_hz, self.crf, PRESET, note)
        shown = progress(self.frames(), path.name, self.spoken.frames)
        try:
            with whole(path) as part:
                write_video(part, shown, self.spoken.soundtrack.lasting(self.spoken.seconds), shape)
        except ClipError as error:
            raise InputError(f"{path} cannot be written: {error.detail}") from error


def _scene(picture: np.ndarray, speech: Path, loaded: Bundle, wanted: Options, device: torch.device) -> Scene:
    """Return all that is needed to render; each part is read or cut out, and checked."""
    sections = loaded.sections
    window, settings = sections["window"], sections["synthesise"]
    spoken = read_speech(speech, sections["mel"], window.rate_hz)
    networks = _networks(loaded, device)
    cropped = crop_portrait(picture, sections, loaded.basis, networks.renderer_settings.networks.image_px, wanted.face)
    blink = None
    if wanted.blink == "natural":
        open_share = natural_blinks(spoken.frames, window.rate_hz, 1.0, _seed(wanted, "blink"))
        blink = eye_signal(open_share, cropped.blink, loaded.blink_closes)
    manner = Manner(
        pose=wanted.pose,
        style=wanted.style,
        seed=_seed(wanted, "pose"),
        expression_frames=settings.expression_frames,
        batch=wanted.batch,
        blink=blink,
    )
    own = eye_signal(np.ones(1), cropped.blink, loaded.blink_closes)
    speaker = Portrait(cropped.picture, cropped.coefficients, float(own[0]))
    return Scene(networks, cropped, speaker, spoken, window, manner, wanted.paste_back, settings.crf)


def _networks(loaded: Bundle, device: torch.device) -> TalkingNetworks:
    """Return the model's networks on a device.

    Raises:
        InputError: as `networks_of`; its weights are of other sizes than its settings say; the GPU's memory is full.
    """
    try:
        return networks_of(loaded, device)
    except torch.OutOfMemoryError as error:
        raise InputError(f"model {loaded.name} does not fit into the memory of {device}: give `cpu`") from error
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        raise InputError(f"model {loaded.name} has weights of other sizes than its settings: pack it anew") from error


def _seed(wanted: Options, what: str) -> int:
    """Return a seed for one kind of chance, so that a change of one moves no other."""
    return int(digest([wanted.seed, what]), 16) % 2**63
