"""Where a table's cell comes from: its runs, the trainings behind them, and every clip that counted or did not.

Reads   results/tables/{table}.json, and of what it names, below the folder of results: rows of scores, run.json of
        score and of the trainings, the dataset's index
Returns plain values that JSON can hold; a file that is not there is named in `not_there`, what it would tell is null
"""

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tavce.config.variants import seed_of
from tavce.evaluate.clips import clips_of
from tavce.files import read_json, sha256
from tavce.measure.metrics import METRIC
from tavce.measure.rows import ScoreRow, mean_of, read_scores
from tavce.records import InputError

Facts = dict[str, Any]
RESULTS = "results"  # what paths in tables and rows begin with
INDEX_COLUMNS = ("clip_id", "video_id", "source", "licence", "start_frame", "first_frame", "frames")
RUN_KEYS = ("stage", "name", "mlflow_run_id", "settings_digest", "settings", "git_commit", "index_digest", "seconds")
SAME = 1e-6  # relative, of a mean written to JSON


def lineage(table: Facts, row: str, column: str, results: Path, clips: int = 5) -> Facts:
    """Return what is known of one cell, as `Lineage.of`."""
    return Lineage(results, clips).of(table, row, column)


def find_row(table: Facts, name: str) -> Facts:
    """Return the row of a method, by its name or its label.

    Raises:
        InputError: there is none.
    """
    return _find(table["rows"], ("method", "label"), name, f"the table '{table['table']}' has no row")


def find_metric(table: Facts, name: str) -> Facts:
    """Return the metric of a column, by its name or its heading.

    Raises:
        InputError: there is none.
    """
    return _find(table["metrics"], ("name", "heading"), name, f"the table '{table['table']}' has no column")


def _find(items: Sequence[Facts], keys: tuple[str, str], name: str, missing: str) -> Facts:
    for fold in (str, str.casefold):
        for key in keys:
            for item in items:
                if fold(item[key]) == fold(name):
                    return item
    raise InputError(f"{missing} '{name}'{nearest(name, [item[key] for key in keys for item in items])}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: what else could be meant, the most alike first."""
    known = list(dict.fromkeys(known))
    lower = {word.casefold(): word for word in reversed(known)}  # of the same, the first
    near = [lower[word] for word in difflib.get_close_matches(name.casefold(), lower, n=1)]
    meant = f": did you mean '{near[0]}'? There are" if near else ": there are"
    return f"{meant} {', '.join(known)}"


@dataclass
class Lineage:
    """Tells of cell after cell; every file is read once.

    results: the folder of results.
    clips: how many of the worst clips are told, and of the best.
    """

    results: Path
    clips: int = 5
    _read: dict[tuple[str, Path], Any] = field(default_factory=dict)

    def of(self, table: Facts, row: str, column: str) -> Facts:
        """Return what is known of a cell.

        Keys: `table`, `dataset`, `baseline`, `alpha`, `method`, `label`, `kind`, `source` (of a quoted number),
        `metric` (with `magnitude`), `cell` as the table has it, `runs` (one a seed), and `not_there`.

        Raises:
            InputError: there is no such row or column, or a file cannot be read.
        """
        line, metric = find_row(table, row), find_metric(table, column)
        known = METRIC.get(metric["name"])
        facts = {key: table.get(key) for key in ("table", "dataset", "baseline", "alpha")}
        facts |= {key: line.get(key) for key in ("method", "label", "kind", "source")}
        facts |= {"metric": {**metric, "magnitude": bool(known and known.magnitude)}}
        facts |= {"cell": line["cells"].get(metric["name"]), "runs": []}
        not_there: list[str] = []
        if line["kind"] == "measured":
            places = enumerate(line["runs"])
            facts["runs"] = [self._run(facts, line, run, place, not_there) for place, run in places]
        return {**facts, "not_there": list(dict.fromkeys(not_there))}

    def path(self, path: str) -> Path:
        """Return where a file of the results lies, by the path that a table or a row has of it."""
        below = Path(path)
        return self.results / below.relative_to(RESULTS) if below.parts[:1] == (RESULTS,) else below

    def _run(self, cell: Facts, line: Facts, run: str, place: int, not_there: list[str]) -> Facts:
        metric, dataset = cell["metric"], cell["dataset"]
        usual = f"{RESULTS}/score/{dataset}/{run}"
        scores = self.path(line["scores"].get(run, f"{usual}.parquet"))
        run_json = self.path(line["run_json"].get(run, f"{usual}.run.json"))
        score = self._facts(run_json, run_json.with_suffix(""), not_there)
        rows = self._open("scores", scores, not_there)
        index = self._open("index", self.results / dataset / "index.parquet", not_there)
        told = {"run": run, "seed": seed_of(run), "scores": str(scores), "score": score}
        told |= {"trainings": self._trainings(run, metric, score, not_there)}
        values = (cell["cell"] or {}).get("seed_values") or []
        told |= {"value": values[place] if place < len(values) else None, "notes": []}
        if rows is not None:
            told |= clips_of(rows, metric, index or {}, self.clips)
            told["notes"] += [] if metric["pooled"] else _same_mean(told["value"], metric["name"], rows)
        told["notes"] += self._same_index(dataset, score)
        if metric["pooled"]:
            told["features"] = str(scores.with_suffix(".features.npz"))
        return told

    def _trainings(self, run: str, metric: Facts, score: Facts | None, not_there: list[str]) -> list[Facts]:
        """Return the trainings whose networks made the videos, and that of the metric where one was asked."""
        found = []
        renderer = self.results / "renderer" / run / "run.json"
        if renderer.is_file():
            own = self._facts(renderer, renderer.parent, not_there)
            names = ["audio2exp", "audio2pose", *_learnt_from(own)]
            found = [own, *(self._training(self.results / name, not_there) for name in names)]
            for other in found[3:]:
                _check_metric(own, other)
        settings = (score or {}).get("settings") or {}
        recipe = settings.get("score", settings).get("tavc")
        if recipe and metric["identity"].startswith("tavc/"):
            found.append({**self._training(self.results / "metric" / recipe, not_there), "asked": True})
        return found

    def _training(self, folder: Path, not_there: list[str]) -> Facts:
        facts = self._facts(folder / "run.json", folder, not_there)
        return facts or {"stage": folder.relative_to(self.results).parts[0], "path": str(folder / "run.json")}

    def _facts(self, path: Path, folder: Path, not_there: list[str]) -> Facts | None:
        """Return what a run.json tells; MLflow's id is in `mlflow.json` where it was sent later."""
        run = self._open("json", path, not_there)
        if run is None:
            return None
        facts = {"path": str(path)} | {key: run.get(key) for key in RUN_KEYS}
        facts["checkpoint"] = run.get("checkpoint")
        if facts["mlflow_run_id"] is None and (folder / "mlflow.json").is_file():
            facts["mlflow_run_id"] = self._open("json", folder / "mlflow.json", not_there).get("run_id")
        return {**facts, "index_sha256": run.get("index_sha256")}

    def _same_index(self, dataset: str, score: Facts | None) -> list[str]:
        path = self.results / dataset / "index.parquet"
        if not (score and score["index_sha256"] and path.is_file()):
            return []
        if self._open("sha256", path, []) == score["index_sha256"]:
            return []
        return [f"{path} was written again since the clips were measured: rerun the stage score"]

    def _open(self, kind: str, path: Path, not_there: list[str]) -> Any:
        """Return what a file holds, read once; None where it is not there, which `not_there` then names."""
        if not path.is_file():
            not_there.append(str(path))
            return None
        if (kind, path) not in self._read:
            self._read[kind, path] = READERS[kind](path)
        return self._read[kind, path]


def _same_mean(value: float | None, name: str, rows: Iterable[ScoreRow]) -> list[str]:
    mean = mean_of(METRIC[name], rows).value if name in METRIC else value
    if mean is None or value is None or math.isclose(mean, value, rel_tol=SAME):
        return []
    return [f"the mean of the rows of scores is {mean:.6g}, the table's is {value:.6g}: rerun the stage tables"]


def _learnt_from(renderer: Facts) -> list[str]:
    settings = (renderer["settings"] or {}).get("renderer", {})
    used = settings.get("attention", "none") != "none" or (settings.get("weights") or {}).get("correlation")
    return [f"metric/{settings['metric']}"] if used and settings.get("metric") else []


def _check_metric(renderer: Facts, metric: Facts) -> None:
    """Say so in the metric's facts where the renderer learnt from another checkpoint than the one now there."""
    now = (metric.get("checkpoint") or {}).get("sha256")
    if now and now[:16] not in (renderer["index_digest"] or now[:16]):
        metric["note"] = "the renderer learnt from another checkpoint of this metric: it was trained again since"


def _index(path: Path) -> dict[str, Facts]:
    try:
        return {line["clip_id"]: line for line in pq.read_table(path, columns=list(INDEX_COLUMNS)).to_pylist()}
    except pa.ArrowException as error:
        raise InputError(f"{path} is no index of clips: rerun the stage index: {error}") from error


def _json(path: Path) -> Any:
    try:
        return read_json(path)
    except ValueError as error:
        raise InputError(f"{path} is not JSON: rerun the stage that writes it: {error}") from error


READERS = {"json": _json, "scores": read_scores, "index": _index, "sha256": sha256}
