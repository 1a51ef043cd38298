"""What is kept of a method's clips besides their scores: curves for the report's players, features for pooled metrics.

Shapes: T frames, n frames of all clips, D feature entries.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tavce.files import whole
from tavce.measure.scoring import Scored

CURVES = ("mouth", "similarity", "opening", "loudness")
SCHEMA = pa.schema(
    [("clip_id", pa.string()), ("rate_hz", pa.int64()), *((name, pa.list_(pa.float32())) for name in CURVES)]
)
MADE, REAL = ".made", ".real"


def write_frames(path: str | Path, scored: Mapping[str, Scored], rate_hz: int) -> None:
    """Write a line a clip: `mouth`, left, top, right, bottom of its mouth box as fractions of the picture; and curves
    [T], null where there is none: `similarity` (TAVC), `opening` (inter-ocular), `loudness` (dB)."""
    lines = [
        {"clip_id": clip_id, "rate_hz": rate_hz} | {name: result.measured.curves.get(name) for name in CURVES}
        for clip_id, result in scored.items()
    ]
    with whole(path) as part:
        pq.write_table(pa.Table.from_pylist(lines, SCHEMA), part)


def write_features(path: str | Path, scored: Mapping[str, Scored]) -> None:
    """Write for every pooled metric NAME the arrays `NAME.made` and `NAME.real` [n, D], and `NAME.clips` [n], of which
    clip each frame is; a metric whose features no clip has is absent."""
    features = {clip_id: result.measured.features for clip_id, result in scored.items()}
    arrays = {}
    for name in sorted({key.removesuffix(MADE) for have in features.values() for key in have if key.endswith(MADE)}):
        having = {clip_id: have for clip_id, have in features.items() if name + MADE in have}
        for key in (name + MADE, name + REAL):
            arrays[key] = np.concatenate([have[key] for have in having.values()])
        arrays[f"{name}.clips"] = np.repeat([*having], [len(have[name + MADE]) for have in having.values()])
    with whole(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays)
