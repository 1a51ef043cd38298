"""Finished clips without a video: the demo's portrait in every frame, with landmarks and a mel of noise beside it."""

from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet

from tavce import store
from tavce.dataset import Entry, read_index
from tavce.demo.portrait import load_portrait
from tavce.faces.mean_face import MEAN_FACE
from tests.packed import pack

FRAMES = 64
MEL_STEPS = 1 + FRAMES * 640 // 200


def write_clips(folder: Path, clips: int, side_px: int) -> list[Entry]:
    """Write shards of crops and mels with an index, and return the clips."""
    random = np.random.default_rng(0)
    face = cv2.cvtColor(cv2.resize(load_portrait().picture[:384], (side_px, side_px)), cv2.COLOR_RGB2BGR)
    noise = random.normal(0, 4, (FRAMES, *face.shape))
    pictures = [cv2.imencode(".jpg", np.clip(face + one, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
                for one in noise]  # fmt: skip
    landmarks = np.tile((MEAN_FACE[:, :2] * 0.4 + 0.5) * side_px, (FRAMES, 1, 1)).astype(np.float32)
    crop = {**pack([picture.tobytes() for picture in pictures]), "landmarks": landmarks}
    names = [f"clip{number}" for number in range(clips)]
    with store.create(folder / "crop.h5", store.Origin("crop", 1, "0" * 16)) as shard:
        for name in names:
            shard.put(name, crop, size_px=side_px)
    with store.create(folder / "mel.h5", store.Origin("mel", 1, "0" * 16)) as shard:
        for name in names:
            shard.put(name, {"mel": random.normal(0, 2, (MEL_STEPS, 80)).astype(np.float32)})
    words = {field.name: "none" for field in fields(Entry)} | {"split": "train"}
    numbers = {"first_frame": 0, "frames": FRAMES, "mel_steps": MEL_STEPS}
    files = {stage: str(folder / f"{stage}.h5") for stage in ("crop", "mel")}
    rows = [{**words, **numbers, **files, "clip_id": name} for name in names]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "index.parquet")
    return read_index([str(folder / "index.parquet")])
