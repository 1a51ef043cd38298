"""Everything a report is made of, in miniature: scores, tables, cards, self-tests, runs and real mp4s."""

import argparse
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from talking_portrait import FORMAT

from tavce import media
from tavce.config import stage_sections
from tavce.evaluate.table import Against, Cell, Column, Line, Table, write_table
from tavce.files import write_json, write_text
from tavce.measure.metrics import METRICS, Metric
from tavce.measure.rows import ScoreRow, mean_of, write_scores
from tavce.records import SPLITS

LABELS = {"ground_truth": "Real video", "static": "Still <frame> & sound", "tavce": "TAVCE", "plain": "Without both"}
SPEAKERS = {"clip_0": "ann", "clip_1": "ann", "clip_2": "bob", "clip#3": "ann"}
SEED = "tavce-2025"  # a second seed of `tavce`, which has scores
NO_WEIGHTS = "its weights are not there: place them as store/weights/" + "a_long_name_" * 8
WHY = {"av_corr": "flat"}
REASON = "dropped at synthesise: no_face: nobody there"


def numbered_frames(number: int, frames: int = 25) -> list[np.ndarray]:
    """Return frames uint8 [64, 64, 3] that show how many came before."""
    pictures = []
    for index in range(frames):
        picture = np.full((64, 64, 3), (40 + 40 * number, 90, 200 - 40 * number), np.uint8)
        pictures.append(cv2.putText(picture, str(index), (14, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255,) * 3, 2))
    return pictures


def score_row(method: str, clip_id: str, place: int) -> ScoreRow:
    """Return a row of scores; `plain` lost clip_2."""
    lost = (method, clip_id) == ("plain", "clip_2")
    numbers = dict.fromkeys(metric.name for metric in METRICS)
    numbers |= {"psnr": 30.0 + place, "ssim": 0.9, "lmd_mouth": 0.05, "av_corr": 0.5, "av_corr_shuffled": 0.0}
    numbers |= {"av_offset": (-1) ** place, "frames": 25}
    if method == "static":
        numbers["av_corr"] = None
    if lost:
        numbers = dict.fromkeys(numbers)
    return ScoreRow(
        clip_id=clip_id,
        speaker=SPEAKERS[clip_id],
        split="test",
        dataset="toy_set",
        method=method,
        source="https://example.org/watch?v=a&t=1",
        video=None if lost else f"{method}/{clip_id}.mp4",
        metrics=numbers,
        reasons={
            name: REASON if lost else WHY.get(name, NO_WEIGHTS) for name, value in numbers.items() if value is None
        },
    )


def write_runs(root: Path) -> list[str]:
    """Write the runs of two metrics with their histories, and a renderer's without a checkpoint."""
    paths = []
    settings = {"rate": 1e-4}
    for recipe in ("paper", "recommended"):
        path = root / "metric" / recipe / "run.json"
        run = {"stage": "metric", "name": recipe, "metrics": {"loss": 0.3}, "seconds": 41.25}
        commit = "0123456789abcdef0123456789abcdef01234567-dirty"
        made = {"python": "3.11.2", "versions": {"torch": "2.6.0" if recipe == "paper" else "2.7.0"}}
        lineage = {"settings": settings, "git_commit": commit, "checkpoint": {"sha256": "f" * 64}}
        write_json(path, {**run, **made, **lineage})
        steps = [{"step": step, "loss": 1 / (1 + step / 50), "rate": 1e-4} for step in range(1, 400)]
        steps += [{"step": step, "val_loss": 0.1 + 1 / (1 + step / 60)} for step in range(50, 400, 50)]
        write_text(path.with_name("history.jsonl"), "".join(json.dumps(line) + "\n" for line in steps))
        paths.append(str(path))
    path = root / "renderer" / "tavce" / "run.json"
    write_json(path, {"stage": "renderer", "name": "tavce", "metrics": {"l1": 0.1}, "settings": settings})
    return [*paths, str(path)]


def write_listened(root: Path, gate: str = "warn") -> list[str]:
    """Write what a deaf metric and one that listens were found to hear, and a figure of each."""
    paths = []
    for recipe, found in {"paper": 0.5, "recommended": 0.72}.items():
        path = root / "listen" / recipe / "run.json"
        deaf = found < 0.6
        words = f"the metric '{recipe}' does {'not listen' if deaf else 'listen'}"
        row = {"spacing": 1, "distance": 3, **dict.fromkeys(("auc_audio", "auc_time", "auc_time_pixels"), found)}
        said = {
            "verdict": {"deaf": deaf, "gate": gate, "words": words, "min_auc": 0.55},
            "split": "test",
            "clips": 12,
            "speakers": 2,
            "too_short": {"c9": 30} if deaf else {},
            "intervals": {"auc_audio": [found - 0.02, found + 0.02], "auc_time": None},
            "auc_by_delay": {"1": found, "2": 0.51},
            "grid": [{**row, "auc_time_shuffled": None}],
            "cues": {"pixels": -0.48, "opening": None},
        }
        metrics = {"auc_audio": found, "auc_time": 0.66, "auc_time_shuffled": None, "offset_exact": 3}
        write_json(path, {"stage": "listen", "name": recipe, "metrics": metrics, "listening": said})
        cv2.imwrite(str(path.with_name("listening.png")), np.full((30, 90, 3), 255, np.uint8))
        paths.append(str(path))
    return paths


def toy_table(rows_of: dict[str, list[ScoreRow]], labels: dict[str, str], kind: str = "comparison") -> Table:
    """Return the table of these rows by run: means, and made-up intervals, tests and marks of PSNR."""
    lines = [
        Line(
            method=method,
            label=label,
            kind="measured",
            runs=tuple(run for run in rows_of if run.partition("-")[0] == method),
            clips=len(rows_of[method]),
            dropped=sum(row.video is None for row in rows_of[method]),
            scores=_files("parquet", method, rows_of),
            run_json=_files("run.json", method, rows_of),
            cells={metric.name: _cell(metric, method, rows_of) for metric in METRICS},
        )
        for method, label in labels.items()
    ]
    quoted = {metric.name: Cell(value=31.5 if metric.name == "psnr" else None) for metric in METRICS}
    source = "https://example.org/paper, table 2"
    lines.append(Line(method="other", label="Other", kind="quoted", source=source, cells=quoted))
    return Table(
        table="toy_set" if kind == "comparison" else f"toy_set_{kind}",
        kind=kind,
        dataset="toy_set",
        baseline="tavce",
        alpha=0.05,
        metrics=tuple(map(Column.of, METRICS)),
        rows=tuple(lines),
        notes=("PSNR is made up",),
    )


def _files(ending: str, method: str, rows_of: dict[str, list[ScoreRow]]) -> dict[str, str]:
    return {run: f"results/score/toy_set/{run}.{ending}" for run in rows_of if run.partition("-")[0] == method}


def _cell(metric: Metric, method: str, rows_of: dict[str, list[ScoreRow]]) -> Cell:
    runs = [rows for run, rows in rows_of.items() if run.partition("-")[0] == method]
    means = [mean_of(metric, rows) for rows in runs]
    values = [mean.value for mean in means if mean.value is not None]
    mean = float(np.mean(values)) if values else None
    tested = metric.name == "psnr" and method not in ("tavce", "ground_truth")
    against = {"difference": -0.5, "low": -0.9, "high": -0.1, "pairs": 3, "speakers": 2, "p": 0.02, "p_holm": 0.04}
    return Cell(
        value=mean,
        low=mean - 0.25 if metric.name == "psnr" else None,
        high=mean + 0.25 if metric.name == "psnr" else None,
        sd_seeds=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        seed_values=tuple(mean.value for mean in means),
        seed_n=tuple(mean.n for mean in means),
        n=min(mean.n for mean in means),
        speakers=2,
        dropped=max(len(rows) for rows in runs) - min(mean.n for mean in means),
        missing=_missing(metric, runs),
        why_no_value=None if values else f"no clip has a number: {NO_WEIGHTS}",
        why_no_interval=None if metric.name == "psnr" or not values else "2 speakers, tables.min_speakers is 8",
        against_baseline=Against(**against) if tested else None,
        mark={"tavce": "best", "plain": "second"}.get(method) if metric.name == "psnr" else None,
    )


def _missing(metric: Metric, runs: list[list[ScoreRow]]) -> dict[str, int]:
    return dict(Counter(row.reasons[metric.name] for rows in runs for row in rows if metric.name in row.reasons))


def write_card(root: Path) -> str:
    """Write the card of the toy set."""
    part = {"clips": 4, "hours": 0.1, "speakers": 2, "videos": 3}
    said = {"rows": 14, "usable": 13, "unusable": {"too_short": 1}, "videos": 9, "speakers": None, "hours": 0.5}
    card = {
        "dataset": "toy_set",
        "made": "2025-04-07",
        "annotated": {**said, "moved_to_another_split": 0},
        "totals": {"rows": 14, "kept": 12, "dropped": 2},
        "licences": {"CC BY 4.0": 14},
        "kept": {split: part for split in SPLITS},
        "dropped": {"detect": {"no_face": 1}},
        "quantiles": {"seconds": {"p5": 1.0, "p50": 2.5, "p95": 9.0}, "av_corr": None},
        "survival": {"videos": {"exists": 8, "gone": 1}, "clips": {"exists": 12}},
        "splits": {split: {"listed": "a" * 64, "kept": "b" * 64} for split in SPLITS},
        "archives": {},
        "tools": {"python": "3.11.2"},
    }
    write_json(root / "toy_set/card.json", card)
    return str(root / "toy_set/card.json")


def write_selftest(root: Path, passed: bool = True) -> str:
    """Write the self-test of the metrics on the toy set: one passed, one as asked, one not asked."""
    check = {"what": "noise is added", "expected": "falls with noise", "identity": "psnr.rgb8/1", "reason": None}
    checks = [
        {**check, "metric": "ssim", "values": [1.0, 0.5], "passed": True},
        {**check, "metric": "psnr", "values": [40.0, 20.125], "passed": passed},
        {**check, "metric": "lpips", "values": [], "passed": None, "reason": NO_WEIGHTS},
    ]
    result = {"dataset": "toy_set", "passed": passed, "clips": ["clip_0", "clip_1"], "checks": checks}
    write_json(root / "selftest/toy_set.json", result)
    return str(root / "selftest/toy_set.json")


def write_report_inputs(root: Path, methods: dict[str, str] | None = None) -> argparse.Namespace:
    """Write all inputs of a report below `root`; return the stage's arguments."""
    labels = methods or LABELS
    videos, scores = root / "synthesise", []
    rows_of = {method: [score_row(method, clip_id, k) for k, clip_id in enumerate(SPEAKERS)] for method in labels}
    for number, (method, rows) in enumerate(rows_of.items()):
        folder = videos / "toy_set" / method
        folder.mkdir(parents=True)
        for row in rows:
            if row.video:
                tone = 0.1 * np.sin(np.arange(16_000) * 0.1 * (1 + number)).astype(np.float32)
                media.write_video(folder / f"{row.clip_id}.mp4", numbered_frames(number), tone, FORMAT)
    if "tavce" in labels:
        rows_of[SEED] = [score_row(SEED, clip_id, k + 1) for k, clip_id in enumerate(SPEAKERS)]
    for method, rows in rows_of.items():
        scores.append(str(root / f"score/toy_set/{method}.parquet"))
        write_scores(scores[-1], rows)
        said = {"stage": "score", "name": method, "metrics": {}, "settings": {"score": {}}, "git_commit": "c" * 40}
        write_json(Path(scores[-1]).with_suffix(".run.json"), {**said, "mlflow_run_id": "1" * 32})
    write_table(root / "tables/toy_set.json", toy_table(rows_of, labels))
    write_table(root / "tables/toy_set_ablations.json", toy_table(rows_of, labels, "ablations"))
    write_json(root / "funnel.json", {"toy_set": toy_funnel()})
    return argparse.Namespace(
        settings=stage_sections(None, "report", None),
        tables=[str(root / f"tables/{name}.json") for name in ("toy_set_ablations", "toy_set")],
        funnel=str(root / "funnel.json"),
        runs=write_runs(root),
        listened=write_listened(root),
        scores=scores,
        labels=json.dumps(labels),
        cards=[write_card(root)],
        selftests=[write_selftest(root)],
        videos_root=str(videos),
        results_root=str(root),
        out=str(root / "report"),
    )


def toy_funnel() -> dict[str, object]:
    """Return the counts of two stages, the later one first."""
    split = {"total": 4, "kept": 3, "dropped": {"no_face": 1}}
    stages = {"detect": {"test": split, "train": {"total": 9, "kept": 9, "dropped": {}}}}
    return {**stages, "sheet": {"test": {"total": 4, "kept": 4, "dropped": {}}}}
