"""Say where a number of a table comes from, in words or as JSON.

Reads   results/tables/{table}.json, and the files that `tavce.evaluate.lineage` reads
Writes  to standard output
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tavce.evaluate.lineage import lineage, nearest
from tavce.evaluate.table import read_table
from tavce.records import InputError

Facts = dict[str, Any]
NAMED = 10  # clips of a reason that are named; of more, the rest are counted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("table", help="a table by its name, as demo or demo_ablations, or its .json")
    parser.add_argument("row", help="a method by its name or its label")
    parser.add_argument("column", help="a metric by its name or its heading")
    parser.add_argument("--results", default="results", help="folder of the results")
    parser.add_argument("--json", action="store_true", help="print JSON, settings of the trainings included")
    parser.add_argument("--clips", type=int, default=5, help="how many of the worst clips are named, and of the best")


def run(arguments: argparse.Namespace) -> None:
    """Print the lineage of one cell.

    Raises:
        InputError: there is no such table, row or column, or --clips is negative; as `lineage`.
    """
    if arguments.clips < 0:
        raise InputError(f"--clips {arguments.clips} is no number of clips: give 0 or more")
    results = Path(arguments.results)
    table = find_table(arguments.table, results)
    facts = lineage(table, arguments.row, arguments.column, results, arguments.clips)
    if arguments.json:
        sys.stdout.write(json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in in_words(facts)))


def find_table(name: str, results: Path) -> Facts:
    """Return a table by its name, or by the path of its .json, as plain values.

    Raises:
        InputError: it is not there, or is no table of this version.
    """
    path = Path(name) if name.endswith(".json") else results / "tables" / f"{name}.json"
    if not path.is_file():
        known = sorted(file.stem for file in (results / "tables").glob("*.json"))
        others = nearest(name, known) if known else ": there is no table yet, run `snakemake tables`"
        raise InputError(f"there is no table '{name}' ({path}){others}")
    return read_table(path).model_dump(mode="json")


def in_words(facts: Facts) -> Iterator[str]:
    """Yield the lines that say what `lineage` found."""
    metric, cell = facts["metric"], facts["cell"] or {}
    yield f"{facts['label']} ({facts['method']}), {metric['heading']} ({metric['name']}), table {facts['table']}"
    yield from _value(facts, metric, cell)
    direction = "neither direction" if metric["better"] == "none" else metric["better"]
    yield f"metric: {metric['definition']}; {direction} is better"
    yield f"identity: {metric['identity']}; numbers under another identity cannot be compared with it"
    if facts["kind"] == "quoted":
        yield f"quoted from: {facts['source']}; measured by others on clips of their choosing, and not compared"
    else:
        yield _test(facts, cell.get("against_baseline"))
    for told in facts["runs"]:
        yield ""
        yield from _run(told, metric, cell)
    if facts["not_there"]:
        yield ""
        yield f"not there, so nothing is told of it: {', '.join(facts['not_there'])}"


def number(value: float, metric: Facts) -> str:
    """Return a number with the metric's digits and unit."""
    return f"{value:.{metric['digits']}f}" + (f" {metric['unit']}" if metric["unit"] else "")


def _value(facts: Facts, metric: Facts, cell: Facts) -> Iterator[str]:
    if cell.get("value") is None:
        yield f"value: none: {cell.get('why_no_value') or 'the table does not say why'}"
    else:
        spreads = {"sd_seeds": "over seeds", "sd_subsets": "over subsets of frames"}
        spread = [f" ± {number(cell[key], metric)} {words}" for key, words in spreads.items() if cell.get(key)]
        yield f"value: {number(cell['value'], metric)}{''.join(spread)}"
    if facts["kind"] == "quoted":
        return
    if cell.get("low") is not None:
        yield (
            f"interval: {number(cell['low'], metric)} to {number(cell['high'], metric)}, "
            f"{100 * (1 - facts['alpha']):g} %, speakers drawn anew"
        )
    elif cell.get("value") is not None and not metric["pooled"]:
        yield f"interval: none: {cell.get('why_no_interval') or 'the table does not say why'}"
    counted = "frames a subset" if metric["pooled"] else f"clips of {cell.get('speakers')} speakers"
    yield f"counted: {cell.get('n')} {counted}; {cell.get('dropped')} clips without a number"
    for reason, count in (cell.get("missing") or {}).items():
        yield f"without a number over all runs: {count} clips: {reason}"


def _test(facts: Facts, test: Facts | None) -> str:
    against = f"against {facts['baseline']}"
    if facts["method"] == facts["baseline"]:
        return "test: none: this is the method that the others are tested against"
    if test is None or test.get("p") is None:
        return f"test {against}: none: {(test or {}).get('why', 'this metric is not tested')}"
    metric = facts["metric"]
    interval = "" if test["low"] is None else f" ({number(test['low'], metric)} to {number(test['high'], metric)})"
    adjusted = "" if test.get("p_holm") is None else f", {test['p_holm']:.3g} adjusted for the column's tests (Holm)"
    mark = facts["cell"].get("mark")
    return (
        f"test {against}: difference {number(test['difference'], metric)}{interval} over {test['pairs']} clips of "
        f"{test['speakers']} speakers, p {test['p']:.3g}{adjusted}" + (f"; marked {mark}" if mark else "")
    )


def _run(told: Facts, metric: Facts, cell: Facts) -> Iterator[str]:
    value = "no number" if told["value"] is None else number(told["value"], metric)
    yield f"run {told['run']}" + (f" (seed {told['seed']})" if told["seed"] else "") + f": {value}"
    if told["score"]:
        yield f"  measured by {_identity(told['score'])}"
        yield f"    settings: {json.dumps(told['score']['settings'], ensure_ascii=False)}"
    for training in told["trainings"]:
        yield from _training(training)
    if not told["trainings"]:
        yield "  trained: no training of this name is among the results"
    yield from (f"  note: {note}" for note in told["notes"])
    yield f"  rows of scores: {told['scores']}"
    if metric["pooled"]:
        frames = cell.get("n") or "as many"
        yield f"  one number for all clips, none for a clip: the mean over subsets of {frames} frames"
        yield f"  features of the generated and of the real frames, with their clips: {told['features']}"
    elif told.get("clips"):
        ends = ("lowest", "highest") if metric["better"] == "none" else ("worst", "best")
        for words, clips in zip(ends, (told["worst"], told["best"]), strict=True):
            if clips:
                yield f"  {words} {len(clips)} of {told['clips']} clips:"
                yield from (f"    {_clip(clip, metric)}" for clip in clips)
    for key, words in (("dropped", "dropped"), ("without_number", "without a number")):
        for reason, clips in told.get(key, {}).items():
            more = f" and {len(clips) - NAMED} more" if len(clips) > NAMED else ""
            yield f"  {words}: {len(clips)}: {reason}: {', '.join(clips[:NAMED])}{more}"


def _identity(run: Facts) -> str:
    names = " ".join(filter(None, (run["stage"], run["name"])))
    seconds = "" if run["seconds"] is None else f", {run['seconds']:g} s"
    return (
        f"{names} ({run['path']}): MLflow run {run['mlflow_run_id'] or 'none'}, settings {run['settings_digest']}, "
        f"commit {run['git_commit'] or 'unknown'}, index {run['index_digest']}{seconds}"
    )


def _training(training: Facts) -> Iterator[str]:
    word = "asked" if training.get("asked") else "trained by"
    if "settings" not in training:
        yield f"  {word} {training['stage']}: {training['path']} is not there"
        return
    yield f"  {word} {_identity(training)}"
    checkpoint = training["checkpoint"] or {}
    yield f"    checkpoint: {checkpoint.get('path')}, sha256 {checkpoint.get('sha256')}"
    if "note" in training:
        yield f"    note: {training['note']}"


def _clip(clip: Facts, metric: Facts) -> str:
    span = "" if clip["start_s"] is None else f", {clip['start_s']:.2f} s to {clip['end_s']:.2f} s"
    source = f"{clip['source'] or 'source unknown'}{span}" + (f", {clip['licence']}" if clip["licence"] else "")
    notes = f" [{', '.join(f'{key}: {value}' for key, value in clip['notes'].items())}]" if clip["notes"] else ""
    return f"{number(clip['value'], metric)}  {clip['clip_id']} ({clip['speaker']}): {source}; {clip['video']}{notes}"
