"""What a user may say about an animation, and what is checked before any work is done."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, ValidationError

from tavce.config.data import Section
from tavce.config.evaluation import Synthesise
from tavce.config.explain import SettingsError, explain, known_keys
from tavce.files import digest
from tavce.records import InputError


class Options(Section):
    """How a portrait speaks; what is None is as the model's own settings (`synthesise`) say."""

    pose: Literal["predicted", "still"] | None = Field(
        None, description="head movement: predicted from the speech, or still; default: as the model says"
    )
    style: int | None = Field(None, ge=0, description="class of head movement, from 0; default: as the model says")
    blink: Literal["natural", "none"] = Field(
        "natural", description="natural (default), or none: eyes as in the picture"
    )
    face: int | None = Field(None, ge=0, description="which face, counted from 0, the largest first; default: 0")
    paste_back: bool = Field(False, description="put the face back into the whole picture")
    seed: int | None = Field(None, description="of head movement and blinks; default: as the model says")
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto (default: a GPU if there is one), cpu, cuda, cuda:1",
    )
    batch: int | None = Field(None, gt=0, description="frames rendered at once; default: as the model says")
    threads: int | None = Field(None, gt=0, description="of the CPU; default: as torch finds")

    def filled(self, settings: Synthesise) -> "Options":
        """Return the options with the model's own settings where there were None."""
        own = {name: getattr(settings, name) for name in ("pose", "style", "seed", "batch")}
        return self.model_copy(update={name: value for name, value in own.items() if getattr(self, name) is None})

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of all that decides how the video looks."""
        return digest(self.model_dump(exclude={"device", "batch", "threads"}))


def read_options(said: Mapping[str, Any]) -> Options:
    """Return checked options; numbers may be written as text.

    Raises:
        SettingsError: one is unknown, or out of bounds.
    """
    try:
        return Options.model_validate(said)
    except ValidationError as error:
        raise SettingsError(explain(error, known_keys(Options))) from None


def check_inputs(portrait: str | Path, speech: str | Path, model: str | Path) -> None:
    """Check that the files are there.

    Raises:
        InputError: one is not, or is a folder.
    """
    remedies = (
        (portrait, "give a picture of a face"),
        (speech, "give a file with speech"),
        (model, "`make demo` makes results/models/ours.pt, and `tavce pack` a model of networks that you trained"),
    )
    for path, remedy in remedies:
        if not Path(path).is_file():
            what = "is a folder" if Path(path).is_dir() else "is not there"
            raise InputError(f"{path} {what}: {remedy}")


def output_file(out: str | Path, inputs: Iterable[str | Path]) -> Path:
    """Return the absolute path of a video that can be written.

    Raises:
        InputError: it is no .mp4, a folder, one of the inputs, or in a folder that is not there or not writable.
    """
    path = Path(os.path.abspath(out))
    if path.suffix.lower() != ".mp4":
        raise InputError(f"{out}: the video is an mp4: let its name end in .mp4")
    if path.is_dir():
        raise InputError(f"{out} is a folder: give the name of a file in it, such as {Path(out) / 'talk.mp4'}")
    if not path.parent.is_dir():
        raise InputError(f"{out}: the folder {path.parent} is not there: make it first")
    for taken in inputs:
        if path.exists() and path.samefile(taken):
            raise InputError(f"{out} is what is read, and would be lost: give the video another name")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(f"{out}: nothing can be written to {path.parent} ({error.strerror}): name another") from error
    return path


def choose_device(name: str) -> torch.device:
    """Return the device of a name; `auto` is the first GPU where there is one.

    Raises:
        InputError: there is no such GPU.
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if found else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= found:
        raise InputError(
            f"device {name} is not there, torch finds {found} GPUs: give `cpu`, or `auto` for what there is"
        )
    return device
