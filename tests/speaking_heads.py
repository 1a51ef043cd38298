"""A few heads of the demo that speak, as the data stages would leave them: speech, mels, crops and coefficients.

Nothing is detected: landmarks are the renderer's own, and the expression basis is fitted to these very clips. Every
clip is in the training split and in the validation split, so that what is learnt by heart is told apart from nothing.
Shapes: T frames, M mel steps.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import written_corpus
from packed import pack
from tiny_corpus import tiny_settings

from tavce import store
from tavce.data.crop import compress
from tavce.data.mel import log_mel
from tavce.demo.movement import move
from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.speakers import head_of
from tavce.demo.speech import articulation, speak
from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import frontalise, head_pose


@dataclass(frozen=True)
class SpeakingHeads:
    """Where the corpus lies."""

    root: Path
    index: str
    basis: ExpressionBasis

    @property
    def basis_path(self) -> str:
        return str(self.root / "basis.npz")


@dataclass(frozen=True)
class Look:
    """What is written of how many clips."""

    clips: int
    longest_s: float
    side_px: int = 64
    mouth_px: int = 24
    expression: int = 16


def write_heads(root: Path, look: Look) -> SpeakingHeads:
    """Write the shards, the index and the expression basis."""
    said = [clip for clip in plan(8, ClipsPerSpeaker(2, 2, 2), seed=7) if clip.clip_id.endswith("c00")][: look.clips]
    spoken = {clip.clip_id: speak(clip.sentence, clip.voice, look.longest_s) for clip in said}
    shown = {}
    for clip in said:
        movement = move(*articulation(spoken[clip.clip_id]), clip.seed)
        shown[clip.clip_id] = [head_of(clip.speaker).frame(expression) for expression in movement.expressions()]
    marks = {clip_id: np.stack([points for _, points in frames]) for clip_id, frames in shown.items()}
    every = np.concatenate([*marks.values()])
    basis = ExpressionBasis.fit(frontalise(every, head_pose(every)), look.expression)
    basis.save(root / "basis.npz")
    clips = {
        clip_id: {
            "crop": _crops(shown[clip_id], look),
            "mel": {"mel": log_mel(spoken[clip_id])},
            "motion": {"motion": basis.motion(marks[clip_id], shown[clip_id][0][0].shape[0])},
        }
        for clip_id in spoken
    }
    who = [(clip.clip_id, split, f"s{clip.speaker}") for split in ("train", "val") for clip in said]
    index = written_corpus.write(root, clips, who, size_px=look.side_px, mouth_px=look.mouth_px)
    return SpeakingHeads(root, index, basis)


def _crops(frames: list[tuple[np.ndarray, np.ndarray]], look: Look) -> dict[str, np.ndarray]:
    settings = tiny_settings(crop={"size_px": look.side_px, "mouth_px": look.mouth_px}).crop
    jpegs, landmarks = [], []
    for picture, points in frames:
        small = cv2.resize(picture, (look.side_px, look.side_px), interpolation=cv2.INTER_AREA)
        landmarks.append(((points + 0.5) * (look.side_px / picture.shape[0]) - 0.5).astype(np.float32))
        jpegs.append(compress(small, landmarks[-1], settings))
    pictures, mouths = zip(*jpegs, strict=True)
    return {**pack(pictures), **pack(mouths, store.MOUTHS), "landmarks": np.stack(landmarks)}
