"""The counts of the funnel, and how they read as text.

Reads   the sheets and the records of a dataset's shards
Counts  {stage: {split: {total, kept, dropped: {reason: n}}}}; those of every stage add up to the sheet
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tavce.records import ClipRecord, InputError, read_records, read_rows
from tavce.stages import SHARD_STAGES

STAGES_IN_ORDER = ("sheet", *SHARD_STAGES, "index")


def count(root: Path) -> tuple[dict[str, object], list[str]]:
    """Return a dataset's counts by stage, and a line for every clip lost.

    Raises:
        InputError: a stage does not account for every clip of the sheet.
    """
    shards = sorted(path.stem for path in (root / "sheet").glob("*.jsonl"))
    rows = [row for shard in shards for row in read_rows(root / "sheet" / f"{shard}.jsonl")]
    stages = {"sheet": _tally((row.split, row.reason) for row in rows)}
    records = []
    for stage in SHARD_STAGES:
        records = [record for shard in shards for record in read_records(root / stage / f"{shard}.jsonl")]
        _check(root, stage, [row.clip_id for row in rows], [record.clip_id for record in records])
        stages[stage] = _tally((record.split, record.reason) for record in records)
    final = read_records(root / "index.jsonl")
    _check(root, "index", [row.clip_id for row in rows], [record.clip_id for record in final])
    stages["index"] = _tally((record.split, record.reason) for record in final)
    return stages, [_line(record) for record in final if not record.kept]


def _line(record: ClipRecord) -> str:
    cells = (record.dataset, record.clip_id, record.speaker, record.lost_at, record.reason, record.detail)
    return "\t".join(" ".join(str(cell).split()) for cell in cells)


def _check(root: Path, stage: str, expected: list[str], found: list[str]) -> None:
    if sorted(expected) != sorted(found):
        raise InputError(
            f"{root}: {stage} accounts for {len(found)} clips, the sheet has {len(expected)}: rerun {stage} "
            f"(snakemake --forcerun {stage})"
        )


def _tally(outcomes: Iterable[tuple[str, str | None]]) -> dict[str, object]:
    counts = Counter(outcomes)
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
