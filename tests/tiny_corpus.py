"""A finished corpus in miniature, written through the store in a second: five clips of 40 frames, 64 px crops.

Nothing is rendered or measured, everything is known: the loudness of a clip is smooth noise, every mel bin and every
expression coefficient is linear in it, the head sways smoothly, and the drawn mouth opens with the loudness.
Shapes: T frames, M mel steps, E expression coefficients.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import written_corpus
import yaml
from made_up_faces import landmarks_of
from packed import pack

from tavce import store
from tavce.config import Settings, load, merge
from tavce.data.crop import compress
from tavce.dataset import Clips, Entry, read_index
from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import MEAN_FACE
from tavce.faces.points import LOWER_INNER_LIP, mouth_centre
from tavce.records import ClipRecord, Reason, write_lines

PAPER = Path(__file__).parents[1] / "workflow/config/paper.yaml"
FRAMES = 40
MEL_STEPS = 1 + FRAMES * 640 // 200
SIDE = 64
MOUTH = 24
EXPRESSION = 8
CLIPS = {  # clip → split, speaker
    "a0": ("train", "ann"),
    "b0": ("train", "bob"),
    "c0": ("val", "cid"),
    "d0": ("test", "dot"),
    "e0": ("test", "eve"),
}
TRAINING = {
    "batch": 4,
    "epochs": 2,
    "repeats": 8,
    "rate": 1e-3,
    "decay_every": 1,
    "decay": 0.5,
    "checkpoint_every": 3,
    "log_every": 1,
    "validate_batches": 2,
    "workers": 0,
}
AUDIO_CHANNELS = [4, 6, 8, 10, 12]
METRIC = {
    "networks": {
        "audio_channels": AUDIO_CHANNELS,
        "visual": "resnet18",
        "visual_channels": [4, 6, 8, 10],
        "features": 6,
        "reconstruction": {"channels": [4, 6], "blocks_before": 1, "blocks_after": 1},
    },
    "mouth_px": MOUTH,
    "input_px": 32,
    "negatives": "both",
    "spacing": 2,
    "distance": 4,
    "reconstruction_weight": 0,
    "perceptual": "mobilenetv2",
    "training": TRAINING,
}
RENDERER_NETWORKS = {
    "image_px": 32,
    "keypoints": 4,
    "mapping": {"channels": 12},
    "detector": {"block_expansion": 4, "max_features": 12, "blocks": 2, "depth": 3, "image_scale": 0.5},
    "dense_motion": {
        "volume_channels": 6,
        "volume_depth": 4,
        "compressed_channels": 2,
        "block_expansion": 4,
        "max_features": 12,
        "blocks": 2,
        "kernel": 3,
    },
    "decoder": {
        "feature_channels": 8,
        "middle_channels": 10,
        "middle_blocks": 1,
        "up_channels": [10, 6],
        "modulation_channels": 4,
    },
    "generator": {"block_expansion": 4, "max_features": 12, "residual_blocks": 1},
    "discriminator": {"block_expansion": 4, "max_features": 8, "blocks": 2},
    "estimator": {"stem_channels": 4, "channels": [8, 12], "blocks": [1, 2]},
}
CHANGES = {
    "crop": {"size_px": SIDE, "mouth_px": MOUTH},
    "metrics": {"paper": METRIC},
    "audio2exp": {"audio_channels": AUDIO_CHANNELS, "training": TRAINING},
    "audio2pose": {
        "audio_channels": AUDIO_CHANNELS,
        "frames": 16,
        "latent": 5,
        "styles": 2,
        "hidden": 16,
        "unet_channels": [4, 6],
        "discriminator_channels": [4, 6, 8],
        "training": TRAINING,
    },
    "renderers": {
        "ours": {
            "networks": RENDERER_NETWORKS,
            "perceptual": "mobilenetv2",
            "perceptual_scales": [1],
            "weights": {"perceptual": 0, "mouth_l1": 1},
            "samples_every": 3,
            "training": {**TRAINING, "batch": 2, "accumulate": 2, "ema": 0.9},
        }
    },
    "synthesise": {"image_px": 32, "batch": 7},
}


def tiny_settings(**changes: object) -> Settings:
    """Return the paper's settings with networks that run in milliseconds, and `changes` laid over them."""
    paper = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    return load(merge(merge(paper, CHANGES), changes))


@dataclass(frozen=True)
class TinyCorpus:
    """Where the corpus lies, and how its expressions were made."""

    root: Path
    basis: ExpressionBasis

    @property
    def index(self) -> str:
        return str(self.root / "index.parquet")

    @property
    def fates(self) -> str:
        """The records of the stage index: the five clips, and a test clip `f0` that was lost earlier."""
        return str(self.root / "index.jsonl")

    @property
    def basis_path(self) -> str:
        return str(self.root / "basis.npz")

    def clips(self) -> Clips:
        """Return a reader of its own."""
        return Clips(tiny_settings().window)

    def entries(self, split: str | None = None) -> list[Entry]:
        """Return the clips of one split, or all."""
        return read_index([self.index], split)


def smooth(seed: int, count: int, columns: int = 1) -> np.ndarray:
    """Return smooth noise [count, columns] in 0 … 1."""
    noise = np.random.default_rng(seed).normal(size=(count + 8, columns))
    window = np.hanning(11)[1:-1] / 5
    waves = np.stack([np.convolve(column, window, mode="valid") for column in noise.T], axis=1)
    return (waves - waves.min(axis=0)) / np.ptp(waves, axis=0)


def write_corpus(root: Path) -> TinyCorpus:
    """Write the shards of all stages, the index and the expression basis."""
    corpus = TinyCorpus(root, _basis())
    corpus.basis.save(corpus.basis_path)
    clips = {clip_id: _arrays(corpus.basis, seed) for seed, clip_id in enumerate(CLIPS)}
    who = [(clip_id, split, speaker) for clip_id, (split, speaker) in CLIPS.items()]
    written_corpus.write(root, clips, who, size_px=SIDE, mouth_px=MOUTH)
    write_lines(corpus.fates, [*map(_fate, CLIPS), _fate("f0", Reason.NO_FACE)])
    return corpus


def _fate(clip_id: str, reason: Reason | None = None) -> ClipRecord:
    split, speaker = CLIPS.get(clip_id, ("test", "fay"))
    lost_at = None if reason is None else "detect"
    return ClipRecord(
        clip_id=clip_id, dataset="tiny", split=split, speaker=speaker, stage="index", version=1, reason=reason,
        lost_at=lost_at,
    )  # fmt: skip


def _basis() -> ExpressionBasis:
    """Return a basis whose first component lowers the lower lip by far the most."""
    random = np.random.default_rng(2024)
    frontal = MEAN_FACE[:, :2] + random.normal(size=(200, 68, 2)) * 0.01
    frontal[:, LOWER_INNER_LIP, 1] += random.uniform(0, 0.3, size=(200, 1))
    return ExpressionBasis.fit(frontal, EXPRESSION)


def _arrays(basis: ExpressionBasis, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Return one clip's arrays by stage."""
    steps = smooth(seed, MEL_STEPS)
    loudness = steps[np.minimum((np.arange(FRAMES) * 3.2).astype(int), MEL_STEPS - 1)]
    bins = np.cos(np.linspace(0, 6, 80))
    expression = (loudness - 0.5) * np.linspace(2, -1, EXPRESSION)
    sway = (smooth(100 + seed, FRAMES, 6) - 0.5) * (0.3, 0.3, 0.2, 0.1, 0.1, 0.1) + (0, 0, 0, 0, -0.1, np.log(0.45))
    motion = np.concatenate([expression, sway], axis=1).astype(np.float32)
    landmarks = landmarks_of(basis, motion, SIDE)
    settings = tiny_settings().crop
    shown = zip(landmarks, loudness[:, 0], strict=True)
    jpegs = [compress(_picture(points, opening, seed), points, settings) for points, opening in shown]
    pictures, mouths = zip(*jpegs, strict=True)
    noise = np.random.default_rng(seed).uniform(-1, 1, FRAMES * 640)
    return {
        "trim": {"wave": (noise * np.repeat(loudness[:, 0], 640) * 8000).astype(np.int16)},
        "crop": {**pack(pictures), **pack(mouths, store.MOUTHS), "landmarks": landmarks},
        "mel": {"mel": (4 * (2 * steps - 1) * bins).astype(np.float32)},
        "motion": {"motion": motion},
    }


def _picture(points: np.ndarray, opening: float, seed: int) -> np.ndarray:
    """Return a drawn face, uint8 [S, S, 3]: skin of the speaker's colour, eyes, and a mouth as open as it is loud."""
    colour = np.random.default_rng(seed).integers(120, 220, 3).tolist()
    picture = np.full((SIDE, SIDE, 3), 40, np.uint8)
    cv2.fillConvexPoly(picture, cv2.convexHull(points.astype(np.int32)), colour)
    for eye in (slice(36, 42), slice(42, 48)):
        cv2.fillConvexPoly(picture, points[eye].astype(np.int32), (250, 250, 250))
    x, y = mouth_centre(points)
    cv2.ellipse(picture, (int(x), int(y)), (8, 1 + int(6 * opening)), 0, 0, 360, (20, 20, 90), -1)
    return picture
