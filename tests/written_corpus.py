"""Shards and an index, written through the store from arrays in memory, as the data stages leave them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from tavce import store
from tavce.data.index import DIGESTED, SCHEMA

Arrays = Mapping[str, Mapping[str, np.ndarray]]  # of one clip, by stage and name


def write(root: Path, clips: Mapping[str, Arrays], who: Iterable[tuple[str, str, str]], **crop: int) -> str:
    """Write one shard a stage and the index; return the index's path.

    Args:
        root: a folder.
        clips: clip → its arrays; all have the same stages, `crop` and `mel` among them.
        who: clip, split and speaker of every row of the index; a clip may be in two splits.
        crop: attributes of every crop, its `size_px` and `mouth_px`.
    """
    stages = [*next(iter(clips.values()))]
    files = {stage: root / stage / "0000.h5" for stage in stages}
    for stage, path in files.items():
        with store.create(path, store.Origin(stage, 1, "0" * 16)) as shard:
            for clip_id, arrays in clips.items():
                shard.put(clip_id, arrays[stage], **(crop if stage == "crop" else {}))
    shared = {
        **dict.fromkeys(SCHEMA.names, ""), "dataset": "tiny", "licence": "none", "start_frame": 0, "first_frame": 0,
        "shard": "0000", **{stage: str(path) for stage, path in files.items()},
        **{f"{stage}_digest": store.stored_digest(files[stage]) for stage in DIGESTED},
    }  # fmt: skip
    rows = [
        {
            **shared, "clip_id": clip_id, "split": split, "speaker": speaker, "video_id": clip_id,
            "source": f"{clip_id}.mp4", "frames": len(clips[clip_id]["crop"]["landmarks"]),
            "mel_steps": len(clips[clip_id]["mel"]["mel"]),
        }
        for clip_id, split, speaker in who
    ]  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, SCHEMA), root / "index.parquet")
    return str(root / "index.parquet")
