"""List a dataset's finished clips: one parquet, no data copied.

Reads   the records of `mel` and `motion`, the sheet, and the names of the shard files
Writes  index.parquet: clip_id, dataset, split, speaker, video_id, source, licence, start_frame, shard, frames (T),
        mel_steps (M), and the paths `trim`, `crop`, `mel`, `motion`; and one record a clip
"""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tavce.files import whole
from tavce.records import ClipRecord, InputError, Row, read_records, read_rows, write_lines
from tavce.stages import STAGES

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("clip_id", "dataset", "split", "speaker", "video_id", "source", "licence")]
    + [(name, pa.int64()) for name in ("start_frame", "frames", "mel_steps")]
    + [(name, pa.string()) for name in ("shard", "trim", "crop", "mel", "motion")]
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--root", required=True, help="the dataset's folder of results")
    parser.add_argument("--shards", nargs="+", required=True, help="names of the shards")
    parser.add_argument("--out", required=True)
    parser.add_argument("--records", required=True)


def run(arguments: argparse.Namespace) -> None:
    """Write the index of one dataset."""
    root = Path(arguments.root)
    entries, records = [], []
    for shard in arguments.shards:
        rows = read_rows(root / "sheet" / f"{shard}.jsonl")
        mels = read_records(root / "mel" / f"{shard}.jsonl")
        motions = read_records(root / "motion" / f"{shard}.jsonl")
        for row, mel, motion in zip(rows, mels, motions, strict=True):
            records.append(_record(row, mel, motion))
            if records[-1].kept:
                entries.append(_entry(root, shard, row, mel, motion))
    with whole(arguments.out) as part:
        pq.write_table(pa.Table.from_pylist(entries, SCHEMA), part)
    write_lines(arguments.records, records)


def _record(row: Row, mel: ClipRecord, motion: ClipRecord) -> ClipRecord:
    if {row.clip_id, mel.clip_id, motion.clip_id} != {row.clip_id}:
        raise InputError(f"records of {row.clip_id}, {mel.clip_id} and {motion.clip_id} stand in one line: rerun `mel`")
    lost = next((record for record in (mel, motion) if not record.kept), motion)
    changes = {"stage": "index", "version": STAGES["index"].version, "numbers": {}}
    return lost.model_copy(update=changes)


def _entry(root: Path, shard: str, row: Row, mel: ClipRecord, motion: ClipRecord) -> dict[str, object]:
    names = ("clip_id", "dataset", "split", "speaker", "video_id", "source", "licence", "start_frame")
    files = {stage: str(root / stage / f"{shard}.h5") for stage in ("trim", "crop", "mel", "motion")}
    sizes = {"frames": motion.numbers["frames"], "mel_steps": mel.numbers["mel_steps"]}
    return {**{name: getattr(row, name) for name in names}, "shard": shard, **sizes, **files}
