"""A corpus whose faces show their sound: four loud or soft bands of the mel, and four bright or dark quarters.

So a metric that learns to listen has all it needs, in seconds; and the sound may be shifted by known frames.
Shapes: T frames, M mel steps.
"""

from pathlib import Path

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet as pq
from packed import pack
from scipy.ndimage import gaussian_filter1d

from tavce import store
from tavce.data.index import SCHEMA
from tavce.faces.mean_face import MEAN_FACE

SIDE = 32  # of the pictures, which are mouths as a whole
FRAMES = 90
STEPS_A_FRAME = 3.2
MARGIN = 20  # frames of sound before and after, that a shift brings in
SPEAKERS = {"train": 10, "val": 2, "test": 3}
FACE = (SIDE / 2 + SIDE / 6 * MEAN_FACE[:, :2]).astype(np.float32)


def write(root: Path, shifts: dict[str, int] | None = None) -> str:
    """Write the shards and the index of one clip a speaker; return the index's path.

    Args:
        root: a folder.
        shifts: clip → by how many frames its sound is early; 0 where it is not named.
    """
    shifts = shifts or {}
    paths = {stage: str(root / stage / "0000.h5") for stage in ("trim", "crop", "mel", "motion")}
    clips = [f"{split}{number}" for split, count in SPEAKERS.items() for number in range(count)]
    with (
        store.create(paths["crop"], store.Origin("crop", 1, "0" * 16)) as crops,
        store.create(paths["mel"], store.Origin("mel", 1, "0" * 16)) as mels,
    ):
        for seed, clip in enumerate(clips):
            bands = _bands(seed)
            crops.put(clip, _faces(bands), size_px=SIDE, mouth_px=SIDE)
            mels.put(clip, {"mel": _mel(bands, shifts.get(clip, 0))})
    rows = [
        {
            **dict.fromkeys(SCHEMA.names, ""), **paths, "clip_id": clip, "split": clip.rstrip("0123456789"),
            "speaker": clip, "start_frame": 0, "first_frame": 0, "frames": FRAMES, "mel_steps": len(_mel(bands, 0)),
            **{f"{stage}_digest": store.stored_digest(paths[stage]) for stage in ("crop", "mel")},
        }
        for clip in clips
    ]  # fmt: skip
    pq.write_table(pyarrow.Table.from_pylist(rows, SCHEMA), root / "index.parquet")
    return str(root / "index.parquet")


def _bands(seed: int) -> np.ndarray:
    """Return four smooth loudnesses, −1 … 1, at every mel step of the clip and its margins."""
    steps = round((FRAMES + 2 * MARGIN) * STEPS_A_FRAME)
    waves = gaussian_filter1d(np.random.default_rng(seed).normal(size=(steps, 4)), 2 * STEPS_A_FRAME, axis=0)
    return np.tanh(1.5 * waves / waves.std(axis=0))


def _mel(bands: np.ndarray, shift_frames: int) -> np.ndarray:
    first = round((MARGIN + shift_frames) * STEPS_A_FRAME)
    return np.repeat(4 * bands[first : first + round(FRAMES * STEPS_A_FRAME)], 20, axis=1).astype(np.float32)


def _faces(bands: np.ndarray) -> dict[str, np.ndarray]:
    frames = bands[np.round((MARGIN + np.arange(FRAMES)) * STEPS_A_FRAME).astype(int)]
    quarters = np.uint8(128 + 100 * frames).reshape(-1, 2, 2)
    pictures = [np.repeat(np.kron(quarter, np.ones((16, 16), np.uint8))[..., None], 3, axis=2) for quarter in quarters]
    jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    landmarks = np.repeat(FACE[None], FRAMES, axis=0)
    return {**pack(jpegs), **pack(jpegs, store.MOUTHS), "landmarks": landmarks}
