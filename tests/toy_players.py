"""The page's section of clips in miniature, and a large one: scores, real mp4s, curves, and the page around it.

Shape of a video: 50 frames at 25 fps; its mouth is where `MOUTH` says.
"""

import re
import shutil
from pathlib import Path

import cv2
import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from talking_portrait import FORMAT, openings, talking_frames

from tavce import media
from tavce.measure.rows import ScoreRow
from tavce.report import clips, players
from tavce.report.clips import COLUMNS

LABELS = {"ground_truth": "Real video", "ours": "Ours", "static": "Still <frame> & sound", "other": "Another's"}
SPEAKERS = {"clip_0": "ann", "clip_1": "ann", "clip_2": "bob", "a#b?c 100%é": "cid"}
ODD = "a#b?c 100%é"
REASON = "dropped at synthesise: no_face: nobody there"
FRAMES = 50
MOUTH = [0.36, 0.56, 0.62, 0.78]
PACKAGE = Path(clips.__file__).parent
MAX_CLIPS = 3


def row(run: str, clip_id: str, place: int, dataset: str = "toy_set") -> ScoreRow:
    """Return a row of scores; `other` lost clip_2, `static` has no AV-corr, LPIPS has no weights."""
    lost = (run, clip_id) == ("other", "clip_2")
    worse = [*LABELS, "ours-2025"].index(run)
    numbers = {"psnr": 30.123456 + place - worse, "ssim": 0.9, "av_corr": 0.5 - place / 10, "sync_offset": -2 - place}
    numbers["lpips"] = None
    reasons = {"lpips": "the weights vgg are not there"}
    if run == "static":
        numbers["av_corr"], reasons["av_corr"] = None, "the mouth does not move"
    return ScoreRow(
        clip_id=clip_id,
        speaker=SPEAKERS.get(clip_id, f"speaker {place % 97}"),
        split="test",
        dataset=dataset,
        method=run,
        source="https://www.youtube.com/watch?v=a",
        video=None if lost else f"{run}/{clip_id}.mp4",
        metrics=dict.fromkeys(numbers) if lost else numbers,
        reasons=dict.fromkeys(numbers, REASON) if lost else reasons,
    )


def write_videos(root: Path) -> None:
    """Write every method's video of every clip, `other`'s of the first as no browser plays it."""
    root.mkdir()
    wave = (0.1 * np.sin(np.arange(FRAMES * 640) * 0.1)).astype(np.float32)
    for number, method in enumerate(LABELS):
        frames = talking_frames(openings(number, FRAMES))
        if method == "static":
            frames = [frames[0]] * FRAMES
        made = root / f"{method}.mp4"
        media.write_video(made, frames, wave, FORMAT)
        (root / "toy_set" / method).mkdir(parents=True)
        for clip_id in SPEAKERS:
            if row(method, clip_id, 0).video:
                shutil.copyfile(made, root / "toy_set" / method / f"{clip_id}.mp4")
    write_old_video(root / "toy_set/other/clip_0.mp4", talking_frames(openings(3, FRAMES)))


def write_old_video(path: Path, frames: list[np.ndarray]) -> None:
    """Write frames as MPEG-4 part 2 without sound, which no browser plays."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def write_frames(path: Path, method: str) -> Path:
    """Write the curves of a method's clips: a similarity of all but `static`, whose opening and loudness are there."""
    rows = []
    for number, clip_id in enumerate(SPEAKERS):
        curve = openings(number + len(method), FRAMES).astype(np.float32)
        similar = np.where(np.arange(FRAMES) < FRAMES - 5, 2 * curve - 1, np.nan)
        drawn = {"similarity": None if method == "static" else similar, "opening": curve, "loudness": 1 - curve}
        rows.append({"clip_id": clip_id, "rate_hz": 25, "mouth": None if method == "other" else MOUTH, **drawn})
    names = ("mouth", "similarity", "opening", "loudness")
    floats = pa.list_(pa.float32())
    schema = pa.schema([("clip_id", pa.string()), ("rate_hz", pa.int64()), *((name, floats) for name in names)])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def write_page(folder: Path, scores: dict[str, list[ScoreRow]], files: players.Files | None) -> Path:
    """Write the section of clips, with the style and scripts that the report's page gives it; return the page."""
    folder.mkdir()
    chosen = {
        dataset: players.side_by_side(rows, LABELS, MAX_CLIPS if files else 0) for dataset, rows in scores.items()
    }
    times = {"toy_set": {"clip_0": (61.0, 63.0)}}
    index = clips.write_clips(folder, scores, clips.Shown(LABELS, "ours", "results/synthesise", times))
    if files:
        players.write_players(folder, chosen, files)
    shutil.copytree(PACKAGE / "static", folder, dirs_exist_ok=True)
    whole = (PACKAGE / "templates/index.html").read_text()
    wanted = "loading|players|curves|clip_rows|clips|clip_links"
    scripts = re.findall(rf'<script src="(?:{wanted})\.js"></script>', whole)
    styles = re.findall(r'<link rel="stylesheet" href="(?:page|clips)\.css">', whole)
    assert (len(scripts), len(styles)) == (6, 2)
    environment = jinja2.Environment(loader=jinja2.PackageLoader("tavce.report"), autoescape=True)
    section = environment.get_template("clips.html").render(
        clip_index=index, players=chosen, max_clips=MAX_CLIPS, several_seeds=True
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
    body = f'<nav class="sections"></nav><div class="page"><main>{section}</main></div>{"".join(scripts)}'
    page = folder / "index.html"
    page.write_text(f'<!doctype html><html lang="en"><head>{head}{"".join(styles)}</head><body>{body}</body></html>')
    return page


def write_small_page(root: Path) -> Path:
    """Write a page of four clips by four methods, one of them with two seeds; three clips have players."""
    write_videos(root / "synthesise")
    rows = [row(run, clip_id, k) for run in (*LABELS, "ours-2025") for k, clip_id in enumerate(SPEAKERS)]
    frames = {
        ("toy_set", method): write_frames(root / f"score/toy_set/{method}.frames.parquet", method) for method in LABELS
    }
    return write_page(root / "report", {"toy_set": rows}, players.Files(root / "synthesise", frames))


def write_large_page(root: Path, clips_count: int, runs: int) -> Path:
    """Write a page of a dataset with so many clips, each with every metric, by so many runs (seeds of `ours`)."""
    rng = np.random.default_rng(0)
    rows = []
    for run in ("ours", *(f"ours-{number}" for number in range(1, runs))):
        numbers = rng.normal(size=(clips_count, len(COLUMNS))).round(5).tolist()
        for k in range(clips_count):
            one = {metric.name: number for metric, number in zip(COLUMNS, numbers[k], strict=True)}
            plain = row("ours", f"id{k:05d}", k, "large").model_copy(
                update={"method": run, "metrics": one, "reasons": {}}
            )
            rows.append(plain)
    return write_page(root / "report", {"large": rows}, None)
