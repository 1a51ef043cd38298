"""Make the test videos of one method: one-shot, from a clip's first frame and its sound.

Reads   the index, the shards it names, and for a trained variant its networks (each best.pt says what it is)
Writes  {videos}/{clip_id}.mp4 (H.264, AAC) and one record a test clip of the sheet, those lost earlier included
Methods `static` (the first frame, held) and `ground_truth` (the clip itself) pass through the same encoder.
"""

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from tavce.config import parse_sections
from tavce.config.evaluation import Synthesise
from tavce.config.learning import Window
from tavce.dataset import Clips, Entry, read_index
from tavce.files import digest, input_file, sha256, whole
from tavce.generator.bundle import REQUIRED
from tavce.generator.losses import eye_opening
from tavce.generator.talking import Manner, Portrait, Speech, TalkingNetworks, assemble, synthetic_note, talk
from tavce.media import VideoFormat, write_video
from tavce.methods.given import clip_sound
from tavce.progress import progress
from tavce.records import InputError, read_records, write_lines
from tavce.stages import STAGES
from tavce.training import checkpoint

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--method", required=True)
    parser.add_argument("--index", type=input_file, required=True)
    parser.add_argument(
        "--fates", type=input_file, required=True, help="the index's records: every clip of the sheet, lost ones too"
    )
    parser.add_argument(
        "--networks", type=input_file, nargs="*", default=[], help="best.pt of renderer, audio2exp, audio2pose, metric"
    )
    parser.add_argument("--videos", required=True, help="folder of the videos")
    parser.add_argument("--records", required=True)
    parser.add_argument("--threads", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Make the videos of one method on one dataset."""
    torch.set_num_threads(arguments.threads)
    sections = parse_sections(arguments.settings)
    settings: Synthesise = sections["synthesise"]
    method = choose(arguments.method, arguments.networks, sections["window"], settings)
    folder = Path(arguments.videos)
    folder.mkdir(parents=True, exist_ok=True)
    real = arguments.method == "ground_truth"
    made_by = digest([sha256(path) for path in arguments.networks])
    comment = "" if real else synthetic_note(arguments.method, made_by, digest(arguments.settings))
    shape = VideoFormat(sections["window"].rate_hz, sections["mel"].sample_rate_hz, settings.crf, "veryfast", comment)
    fates = [record for record in read_records(arguments.fates) if record.split == "test"]
    if any(record.kept for record in fates):
        for entry in progress(read_index([arguments.index], "test"), arguments.method):
            with whole(folder / f"{entry.clip_id}.mp4") as part:
                write_video(part, method.frames(entry), clip_sound(entry, shape.sample_rate_hz // shape.rate_hz), shape)
    stamp = {"stage": "synthesise", "version": STAGES["synthesise"].version}
    write_lines(arguments.records, [record.model_copy(update=stamp) for record in fates])


class Method(Protocol):
    """What makes the frames of a test video."""

    def frames(self, entry: Entry) -> Iterator[np.ndarray]:
        """Yield uint8 [S, S, 3], one a frame of the clip."""


def choose(name: str, networks: Sequence[str], window: Window, settings: Synthesise) -> Method:
    """Return the method of a name.

    Raises:
        InputError: a trained variant lacks a network it needs.
    """
    clips = Clips(window)
    if name == "static":
        return Static(clips, settings.image_px)
    if name == "ground_truth":
        return GroundTruth(clips, settings.image_px)
    states = {state["stage"]: state for state in map(checkpoint.load, networks)}
    missing = {*REQUIRED} - states.keys()
    if missing:
        raise InputError(f"method {name} needs a best.pt of {', '.join(sorted(missing))}: give it with --networks")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Trained(clips, settings, window, assemble(f"method {name}", states, device))


@dataclass(frozen=True)
class GroundTruth:
    """The clip itself."""

    clips: Clips
    image_px: int

    def frames(self, entry: Entry) -> Iterator[np.ndarray]:
        """Yield the clip's own frames."""
        for frame in range(entry.frames):
            yield self.clips.picture(entry, frame, self.image_px)


@dataclass(frozen=True)
class Static:
    """The portrait, held: what every method must beat."""

    clips: Clips
    image_px: int

    def frames(self, entry: Entry) -> Iterator[np.ndarray]:
        """Yield the first frame, as often as the clip has frames."""
        first = self.clips.picture(entry, 0, self.image_px)
        for _ in range(entry.frames):
            yield first


@dataclass(frozen=True)
class Trained:
    """A trained variant: sound → coefficients → frames (`generator.talking`)."""

    clips: Clips
    settings: Synthesise
    window: Window
    networks: TalkingNetworks

    def frames(self, entry: Entry) -> Iterator[np.ndarray]:
        """Yield the frames that the networks make of the first frame and the sound; the eyes stay as open as there."""
        settings = self.settings
        seed = int(digest([settings.seed, entry.clip_id]), 16) % 2**63
        blink = float(eye_opening(torch.from_numpy(self.clips.landmarks(entry)[0])))
        portrait = Portrait(self.clips.picture(entry, 0, settings.image_px), self.clips.motion(entry)[0], blink)
        speech = Speech(self.clips.spectrogram(entry), entry.frames, self.window)
        manner = Manner(settings.pose, settings.style, seed, settings.expression_frames, settings.batch)
        for batch in talk(self.networks, portrait, speech, manner):
            yield from batch
