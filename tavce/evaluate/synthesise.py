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

from tavce import store
from tavce.config import parse_sections
from tavce.config.learning import Renderer, Synthesise
from tavce.dataset import Clips, Entry, read_index, to_unit
from tavce.files import digest, input_file, whole
from tavce.generator.coefficients import PoseModel, load_audio2exp, load_audio2pose
from tavce.generator.losses import eye_opening
from tavce.generator.model import FaceRenderer, load_renderer
from tavce.generator.samples import POSE, mel_windows, motion_window, still_window
from tavce.media import VideoFormat, write_video
from tavce.metric.model import FrozenMetric, load_metric
from tavce.networks.audio2exp import Audio2Exp
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
    clips = Clips(sections["window"])
    method = choose(arguments.method, arguments.networks, clips, settings)
    folder = Path(arguments.videos)
    folder.mkdir(parents=True, exist_ok=True)
    real = arguments.method == "ground_truth"
    comment = "" if real else f"synthetic: {arguments.method} {digest(arguments.settings)}"
    shape = VideoFormat(sections["window"].rate_hz, sections["mel"].sample_rate_hz, settings.crf, "veryfast", comment)
    fates = [record for record in read_records(arguments.fates) if record.split == "test"]
    if any(record.kept for record in fates):
        for entry in progress(read_index([arguments.index], "test"), arguments.method):
            with whole(folder / f"{entry.clip_id}.mp4") as part:
                write_video(part, method.frames(entry), read_sound(entry, shape), shape)
    stamp = {"stage": "synthesise", "version": STAGES["synthesise"].version}
    write_lines(arguments.records, [record.model_copy(update=stamp) for record in fates])


def read_sound(entry: Entry, shape: VideoFormat) -> np.ndarray:
    """Return the sound of a clip's frames, float32 [N] in [-1, 1]."""
    frames = range(entry.first_frame, entry.first_frame + entry.frames)
    with store.open_shard(entry.trim) as trimmed:
        return store.sound(trimmed[entry.clip_id], frames, shape.sample_rate_hz // shape.rate_hz)


class Method(Protocol):
    """What makes the frames of a test video."""

    def frames(self, entry: Entry) -> Iterator[np.ndarray]:
        """Yield uint8 [S, S, 3], one a frame of the clip."""


def choose(name: str, networks: Sequence[str], clips: Clips, settings: Synthesise) -> Method:
    """Return the method of a name.

    Raises:
        InputError: a trained variant lacks a network it needs.
    """
    if name == "static":
        return Static(clips, settings.image_px)
    if name == "ground_truth":
        return GroundTruth(clips, settings.image_px)
    by_stage = {checkpoint.stage(path): path for path in networks}
    missing = {"renderer", "audio2exp", "audio2pose"} - by_stage.keys()
    if missing:
        raise InputError(f"method {name} needs a best.pt of {', '.join(sorted(missing))}: give it with --networks")
    renderer, trained = load_renderer(by_stage["renderer"])
    metric = None
    if trained.attends:
        if "metric" not in by_stage:
            raise InputError(f"method {name} attends to the correlation: give the metric's best.pt with --networks")
        metric = load_metric(by_stage["metric"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    networks = TrainedNetworks(
        renderer.to(device),
        load_audio2exp(by_stage["audio2exp"]).to(device),
        load_audio2pose(by_stage["audio2pose"]).to(device),
        None if metric is None else metric.to(device),
    )
    return Trained(clips, settings, trained, networks)


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
class TrainedNetworks:
    """The networks of a variant, on one device."""

    renderer: FaceRenderer
    audio2exp: Audio2Exp
    audio2pose: PoseModel
    metric: FrozenMetric | None


@dataclass(frozen=True)
class Trained:
    """A trained variant: sound → coefficients → frames.

    Shapes: T frames, E expression coefficients, N = E + 6.
    """

    clips: Clips
    settings: Synthesise
    renderer_settings: Renderer
    networks: TrainedNetworks

    @torch.no_grad()
    def frames(self, entry: Entry) -> Iterator[np.ndarray]:
        """Yield the frames that the networks make of the first frame and the sound."""
        device = next(self.networks.renderer.parameters()).device
        mels = mel_windows(self.clips, entry, range(entry.frames)).to(device)
        first = torch.from_numpy(self.clips.motion(entry)[0]).to(device)
        motion = torch.cat([self.expression(entry, mels, first), self.pose(entry, mels, first)], dim=1).cpu().numpy()
        window = self.renderer_settings.networks.mapping.window
        source = to_unit(self.clips.picture(entry, 0, self.settings.image_px)[None]).to(device)
        portrait = self.networks.renderer.portrait(source, still_window(first.cpu().numpy(), window)[None].to(device))
        for start in range(0, entry.frames, self.settings.batch):
            numbers = range(start, min(start + self.settings.batch, entry.frames))
            windows = torch.stack([motion_window(motion, number, window) for number in numbers]).to(device)
            painted = self.networks.renderer.frames(portrait, windows, self.attention(mels, numbers))
            yield from (painted.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()

    def expression(self, entry: Entry, mels: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """Return the expression [T, E] of every frame; the eyes stay as open as in the first frame."""
        reference = first[:-POSE]
        blink = eye_opening(torch.from_numpy(self.clips.landmarks(entry)[0])).to(mels.device)
        said = []
        for chunk in mels.split(self.settings.expression_frames):
            rows = len(chunk)
            said.append(
                self.networks.audio2exp(chunk[None], reference.expand(1, rows, -1), blink.expand(1, rows, 1))[0]
            )
        return torch.cat(said)

    def pose(self, entry: Entry, mels: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """Return the pose [T, 6] of every frame: the first frame's own, or movement drawn for this clip."""
        own = first[-POSE:]
        if self.settings.pose == "still":
            return own.expand(entry.frames, -1)
        seed = int(digest([self.settings.seed, entry.clip_id]), 16) % 2**63
        latent = self.networks.audio2pose.cvae.sizes.latent
        code = torch.randn(latent, generator=torch.Generator().manual_seed(seed)).to(mels.device)
        return self.networks.audio2pose.sequence(mels, own, self.settings.style, code)

    def attention(self, mels: torch.Tensor, frames: range) -> torch.Tensor | None:
        """Return the channel attention of frames; of the clip's first ones with themselves, which is zero."""
        metric = self.networks.metric
        if metric is None:
            return None
        now = torch.tensor(frames)
        before = torch.where(now < metric.recipe.spacing, now, now - metric.recipe.spacing)
        return metric.attention(torch.stack([mels[before], mels[now]], dim=1))
