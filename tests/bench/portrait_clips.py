"""Finished clips without a video: the demo's portrait in every frame, with landmarks and a mel of noise beside it."""

from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet

from tavce import store
from tavce.config.data import Crop
from tavce.data.crop import compress
from tavce.dataset import Entry, read_index
from tavce.demo.portrait import load_portrait
from tavce.faces.mean_face import MEAN_FACE
from tests.packed import pack

FRAMES = 64
MEL_STEPS = 1 + FRAMES * 640 // 200


def write_clips(folder: Path, clips: int, settings: Crop) -> list[Entry]:
    """Write shards of crops and mels with an index, and return the clips."""
    random, side_px = np.random.default_rng(0), settings.size_px
    face = cv2.resize(load_portrait().picture[:384], (side_px, side_px))
    landmarks = np.tile((MEAN_FACE[:, :2] * 0.4 + 0.5) * side_px, (FRAMES, 1, 1)).astype(np.float32)
    noisy = (np.clip(face + random.normal(0, 4, face.shape), 0, 255).astype(np.uint8) for _ in range(FRAMES))
    pictures, mouths = zip(*(compress(one, landmarks[0], settings) for one in noisy), strict=True)
    crop = {**pack(pictures), **pack(mouths, store.MOUTHS), "landmarks": landmarks}
    names = [f"clip{number}" for number in range(clips)]
    with store.create(folder / "crop.h5", store.Origin("crop", 1, "0" * 16)) as shard:
        for name in names:
            shard.put(name, crop, size_px=side_px, mouth_px=settings.mouth_px)
    with store.create(folder / "mel.h5", store.Origin("mel", 1, "0" * 16)) as shard:
        for name in names:
            shard.put(name, {"mel": random.normal(0, 2, (MEL_STEPS, 80)).astype(np.float32)})
    words = {field.name: "none" for field in fields(Entry)} | {"split": "train"}
    numbers = {"first_frame": 0, "frames": FRAMES, "mel_steps": MEL_STEPS}
    files = {stage: str(folder / f"{stage}.h5") for stage in ("crop", "mel")}
    digests = {f"{stage}_digest": store.stored_digest(path) for stage, path in files.items()}
    rows = [{**words, **numbers, **files, **digests, "clip_id": name} for name in names]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "index.parquet")
    return read_index([str(folder / "index.parquet")])
