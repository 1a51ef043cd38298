"""Everything a report is made of, in miniature: scores, tables, funnel, runs and real mp4s."""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from talking_portrait import FORMAT

from tavce import media
from tavce.evaluate import tables
from tavce.files import write_json, write_text
from tavce.measure.metrics import METRICS
from tavce.measure.rows import ScoreRow
from tavce.records import write_lines

LABELS = {"ground_truth": "Real video", "static": "Still <frame> & sound", "tavce": "TAVCE", "plain": "Without both"}
SPEAKERS = {"clip_0": "ann", "clip_1": "ann", "clip_2": "bob", "clip#3": "ann"}
SEED = "tavce-2025"  # a second seed of `tavce`, which has scores
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
    numbers = {"psnr": 30.0 + place, "ssim": 0.9, "lmd": 0.05, "av_corr": 0.5, "av_corr_shuffled": 0.0}
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
        reasons={name: REASON if lost else "flat" for name, value in numbers.items() if value is None},
    )


def write_runs(root: Path) -> list[str]:
    """Write the runs of two metrics with their histories, and a renderer's without a checkpoint."""
    paths = []
    settings = {"rate": 1e-4}
    for recipe in ("paper", "recommended"):
        path = root / "metric" / recipe / "run.json"
        run = {"stage": "metric", "name": recipe, "metrics": {"loss": 0.3}, "seconds": 41.25}
        commit = "0123456789abcdef0123456789abcdef01234567-dirty"
        write_json(path, {**run, "settings": settings, "git_commit": commit, "checkpoint": {"sha256": "f" * 64}})
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
        scores.append(str(root / "score" / f"{method}.jsonl"))
        write_lines(scores[-1], rows)
    if "tavce" in labels:
        rows_of[SEED] = [score_row(SEED, clip_id, k + 1) for k, clip_id in enumerate(SPEAKERS)]
        scores.append(str(root / "score" / f"{SEED}.jsonl"))
        write_lines(scores[-1], rows_of[SEED])
    every = [row for rows in rows_of.values() for row in rows]
    write_text(root / "tables/toy_set.csv", tables.to_csv(tables.make_table("toy_set", every, labels)))
    split = {"total": 4, "kept": 3, "dropped": {"no_face": 1}}
    stages = {"detect": {"test": split, "train": {"total": 9, "kept": 9, "dropped": {}}}}
    stages["sheet"] = {"test": {"total": 4, "kept": 4, "dropped": {}}}
    write_json(root / "funnel.json", {"toy_set": stages})
    assert len(METRICS) == len(every[0].metrics)
    return argparse.Namespace(
        tables=[str(root / "tables/toy_set.csv")],
        funnel=str(root / "funnel.json"),
        runs=write_runs(root),
        listened=write_listened(root),
        scores=scores,
        labels=json.dumps(labels),
        videos_root=str(videos),
        out=str(root / "report"),
    )
