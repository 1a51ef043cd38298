"""List a dataset's finished clips: one parquet, no data copied. Of clips that are the same, one is listed.

Reads   the records of `quality`, `mel` and `motion`, the sheet, and the names and digests of the shard files
Writes  index.parquet: clip_id, dataset, split, speaker, video_id, source, licence, start_frame (of the corpus),
        first_frame (of the trimmed clip), shard, frames (T), mel_steps (M), the paths `trim`, `crop`, `mel`, `motion`,
        and the digests `crop_digest`, `mel_digest`, `motion_digest` of what these files hold; and one record a clip
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tavce import store
from tavce.config import parse_sections
from tavce.data.duplicates import Duplicates
from tavce.files import whole
from tavce.records import ClipRecord, InputError, Reason, Row, iterate_records, read_rows
from tavce.stages import STAGES

DIGESTED = ("crop", "mel", "motion")  # what training reads
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("clip_id", "dataset", "split", "speaker", "video_id", "source", "licence")]
    + [(name, pa.int64()) for name in ("start_frame", "first_frame", "frames", "mel_steps")]
    + [(name, pa.string()) for name in ("shard", "trim", "crop", "mel", "motion")]
    + [(f"{stage}_digest", pa.string()) for stage in DIGESTED]
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--root", required=True, help="the dataset's folder of results")
    parser.add_argument("--shards", nargs="+", required=True, help="names of the shards")
    parser.add_argument("--out", required=True)
    parser.add_argument("--records", required=True)


def run(arguments: argparse.Namespace) -> None:
    """Write the index of one dataset, shard by shard."""
    root = Path(arguments.root)
    max_bits = parse_sections(arguments.settings)["duplicates"].max_bits
    same_as = {} if max_bits is None else _duplicates(root, arguments.shards).lost(max_bits)
    with (
        whole(arguments.out) as index,
        pq.ParquetWriter(index, SCHEMA) as table,
        whole(arguments.records) as records,
        open(records, "w", encoding="utf-8") as lines,
    ):
        for shard in arguments.shards:
            entries = []
            for clip in _clips(root, shard):
                record = clip.record(same_as.get(clip.row.clip_id))
                lines.write(record.model_dump_json() + "\n")
                if record.kept:
                    entries.append(clip.entry(root, shard))
            digests = _digests(root, shard) if entries else {}
            entries = [{**entry, **digests} for entry in entries]
            table.write_table(pa.Table.from_pylist(entries, SCHEMA))


@dataclass(frozen=True)
class Finished:
    """A clip of the sheet, and what the last stages say of it."""

    row: Row
    quality: ClipRecord
    mel: ClipRecord
    motion: ClipRecord

    @property
    def last(self) -> ClipRecord:
        """What is said of the clip in the end, duplicates aside."""
        return next((record for record in (self.mel, self.motion) if not record.kept), self.motion)

    def record(self, same_as: str | None) -> ClipRecord:
        """Return the index's record of the clip, which may be the same as another one."""
        changes = {"stage": "index", "version": STAGES["index"].version, "numbers": {}}
        if same_as is not None:
            detail = f"its sound and pictures are those of {same_as} (duplicates.max_bits)"
            changes |= {"reason": Reason.DUPLICATE, "lost_at": "index", "detail": detail}
        return self.last.model_copy(update=changes)

    def entry(self, root: Path, shard: str) -> dict[str, object]:
        """Return the clip's row of the index."""
        names = ("clip_id", "dataset", "split", "speaker", "video_id", "source", "licence", "start_frame")
        files = {stage: str(root / stage / f"{shard}.h5") for stage in ("trim", "crop", "mel", "motion")}
        sizes = {"frames": self.motion.numbers["frames"], "mel_steps": self.mel.numbers["mel_steps"]}
        first = {"first_frame": self.quality.numbers["first_frame"]}
        return {**{name: getattr(self.row, name) for name in names}, **first, "shard": shard, **sizes, **files}


def _clips(root: Path, shard: str) -> Iterator[Finished]:
    rows = read_rows(root / "sheet" / f"{shard}.jsonl")
    said = [iterate_records(root / stage / f"{shard}.jsonl") for stage in ("quality", "mel", "motion")]
    for row, *records in zip(rows, *said, strict=True):
        if {record.clip_id for record in records} != {row.clip_id}:
            others = ", ".join(record.clip_id for record in records)
            raise InputError(f"the records of {others} stand in the line of {row.clip_id}: rerun `quality`")
        yield Finished(row, *records)


def _digests(root: Path, shard: str) -> dict[str, str]:
    return {f"{stage}_digest": store.stored_digest(root / stage / f"{shard}.h5") for stage in DIGESTED}


def _duplicates(root: Path, shards: Sequence[str]) -> Duplicates:
    duplicates = Duplicates()
    for shard in shards:
        for clip in _clips(root, shard):
            if clip.last.kept:
                duplicates.add(clip.row.clip_id, clip.row.split, clip.quality.numbers)
    return duplicates
