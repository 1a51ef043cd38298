"""The counts of the funnel, and how they read as text.

Reads   the sheets and the records of a dataset's shards
Counts  {stage: {split: {total, kept, dropped: {reason: n}}}}; those of every stage add up to the sheet
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tavce.records import ClipRecord, InputError, Row, iterate_records, read_records, read_rows
from tavce.stages import SHARD_STAGES

STAGES_IN_ORDER = ("sheet", *SHARD_STAGES, "index")


@dataclass(frozen=True)
class ShardRecords:
    """All that is said of the clips of one shard: its rows, and by stage a record for each of them, in their order."""

    rows: list[Row]
    records: dict[str, list[ClipRecord]]  # by stage, `index` among them

    def outcomes(self, stage: str) -> Iterator[tuple[str, str | None]]:
        """Yield split and reason of every clip, as a stage or the sheet says them."""
        for said in self.rows if stage == "sheet" else self.records[stage]:
            yield said.split, said.reason


def shards(root: Path) -> Iterator[ShardRecords]:
    """Yield what is said of a dataset's clips, shard by shard: a million of them need no memory.

    Raises:
        InputError: a stage does not account for every clip of the sheet.
    """
    final = iterate_records(root / "index.jsonl")
    for table in sorted((root / "sheet").glob("*.jsonl"), key=lambda path: int(path.stem)):
        rows = read_rows(table)
        records = {stage: read_records(root / stage / table.name) for stage in SHARD_STAGES}
        records["index"] = list(islice(final, len(rows)))
        for stage, said in records.items():
            _check(f"{root}, shard {table.stem}", stage, rows, said)
        yield ShardRecords(rows, records)
    _check(str(root), "index", [], list(islice(final, 1)))


def count(root: Path) -> tuple[dict[str, object], list[str]]:
    """Return a dataset's counts by stage, and a line for every clip lost.

    Raises:
        InputError: a stage does not account for every clip of the sheet.
    """
    counts: dict[str, Counter[tuple[str, str | None]]] = {stage: Counter() for stage in STAGES_IN_ORDER}
    lost = []
    for shard in shards(root):
        for stage in STAGES_IN_ORDER:
            counts[stage].update(shard.outcomes(stage))
        lost += [_line(record) for record in shard.records["index"] if not record.kept]
    return {stage: _tally(counts[stage]) for stage in STAGES_IN_ORDER}, lost


def _line(record: ClipRecord) -> str:
    cells = (record.dataset, record.clip_id, record.speaker, record.lost_at, record.reason, record.detail)
    return "\t".join(" ".join(str(cell).split()) for cell in cells)


def _check(where: str, stage: str, rows: list[Row], records: list[ClipRecord]) -> None:
    if [row.clip_id for row in rows] != [record.clip_id for record in records]:
        raise InputError(
            f"{where}: {stage} accounts for {len(records)} clips, the sheet has {len(rows)}, or others: rerun {stage} "
            f"(snakemake --forcerun {stage})"
        )


def _tally(counts: Counter[tuple[str, str | None]]) -> dict[str, object]:
    tally: dict[str, object] = {}
    for split in sorted({split for split, _ in counts}):
        dropped = {str(why): n for (where, why), n in sorted(counts.items(), key=str) if where == split and why}
        kept = counts[split, None]
        tally[split] = {"total": kept + sum(dropped.values()), "kept": kept, "dropped": dropped}
    return tally


def table(funnel: dict[str, dict[str, dict[str, dict[str, object]]]]) -> str:
    """Return the funnel as lines of text: dataset, stage, total, kept, and what was dropped."""
    lines = [f"{'dataset':<12} {'stage':<10} {'sheet':>7} {'kept':>7}  dropped so far"]
    for dataset, stages in funnel.items():
        for stage in (name for name in STAGES_IN_ORDER if name in stages):
            splits = stages[stage].values()
            dropped: Counter[str] = Counter()
            for split in splits:
                dropped.update(split["dropped"])
            total, kept = (sum(split[key] for split in splits) for key in ("total", "kept"))
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(dropped.items())) or "none"
            lines.append(f"{dataset:<12} {stage:<10} {total:>7} {kept:>7}  {reasons}")
    return "\n".join(lines)
