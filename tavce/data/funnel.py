"""Count the clips of every stage: kept, and dropped by reason. The counts of every stage add up to the sheet.

Reads   the sheets and the records of all shards
Writes  funnel.json {dataset: {stage: {split: {total, kept, dropped: {reason: n}}}}} and dropped.tsv, one line a clip
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tavce.files import write_json, write_text
from tavce.records import InputError, read_records, read_rows
from tavce.stages import SHARD_STAGES

STAGES_IN_ORDER = ("sheet", *SHARD_STAGES, "index")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--results", default="results", help="folder of results")
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--out", required=True, help="funnel.json")
    parser.add_argument("--dropped", required=True, help="dropped.tsv")


def run(arguments: argparse.Namespace) -> None:
    """Count the clips of all datasets."""
    funnel, lines = {}, ["dataset\tclip\tspeaker\tstage\treason\tdetail"]
    for dataset in arguments.datasets:
        root = Path(arguments.results) / dataset
        funnel[dataset], lost = count(root)
        lines += lost
    write_json(arguments.out, funnel)
    write_text(arguments.dropped, "\n".join(lines) + "\n")


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
    lost = [
        f"{record.dataset}\t{record.clip_id}\t{record.speaker}\t{record.lost_at}\t{record.reason}\t"
        + record.detail.replace("\t", " ").replace("\n", " ")
        for record in final
        if not record.kept
    ]
    return stages, lost


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
