"""A dataset in miniature: two clips of a talking portrait, their crops, index, records and generated videos.

The portrait is scikit-image's astronaut (NASA, public domain), its jaw lowered by a known amount in every frame.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet
import skimage.data
import yaml
from packed import pack

from tavce import media, store
from tavce.data.index import SCHEMA
from tavce.measure.landmarks import detect_landmarks
from tavce.records import ClipRecord, Reason, write_lines

PAPER = yaml.safe_load((Path(__file__).parents[1] / "workflow/config/paper.yaml").read_text(encoding="utf-8"))
FRAMES = 50
SIDE = 128
FORMAT = media.VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=12, preset="ultrafast")
MOUTH_ROW, MOUTH_COLUMN = 168.0, 125.0  # between the lips in the crop of `talking_frames`, px of 256


def openings(seed: int, frames: int = FRAMES) -> np.ndarray:
    """Return how far the jaw is lowered in each frame, 0 to 1, smooth."""
    noise = np.random.default_rng(seed).normal(size=frames + 8)
    smooth = np.convolve(noise, np.hanning(11)[1:-1], mode="valid")
    return (smooth - smooth.min()) / np.ptp(smooth)


def talking_frames(opening: np.ndarray, side: int = SIDE) -> list[np.ndarray]:
    """Return the portrait with its jaw lowered by up to 40 of 256 px, uint8 [side, side, 3]."""
    portrait = cv2.resize(skimage.data.astronaut()[55:195, 155:295], (256, 256), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[:256, :256].astype(np.float32)
    width = np.exp(-(((columns - MOUTH_COLUMN) / 34) ** 4))
    frames = []
    for amount in opening:
        depth = 40 * float(amount) * width
        below = rows - MOUTH_ROW
        frame = cv2.remap(portrait, columns, np.where(below > depth, rows - depth, rows), cv2.INTER_LINEAR)
        frame[(below > 0) & (below <= depth)] = (60, 20, 25)
        frames.append(cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA))
    return frames


def spoken(opening: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return noise float32 [T · 640] that is as loud in every frame as the mouth is open: −40 to −10 dB."""
    gains = 10 ** ((-40 + 30 * opening) / 20)
    noise = np.random.default_rng(seed).normal(size=len(opening) * 640)
    return (noise * np.repeat(gains, 640)).clip(-1, 1).astype(np.float32)


@dataclass(frozen=True)
class Corpus:
    """Where the miniature dataset lies."""

    root: Path
    settings: str = json.dumps(
        {
            "window": {"steps": 16, "lead_frames": 2, "rate_hz": FORMAT.rate_hz, "mel_rate_hz": 80},
            "mel": PAPER["mel"],
            "detect": PAPER["detect"],
            "score": {
                "max_lag_frames": 8,
                "min_frames": 25,
                "max_frames_apart": 1,
                "frechet_frames": 4,
                "tavc": None,
            },
            "synthesise": {
                "image_px": SIDE,
                "expression_frames": 10,
                "pose": "still",
                "style": 0,
                "batch": 4,
                "crf": 12,
                "seed": 1,
            },
        }
    )

    def arguments(self, method: str = "copy") -> argparse.Namespace:
        """Return the arguments of the stage score for one method."""
        return argparse.Namespace(
            settings=self.settings,
            index=str(self.root / "toy/index.parquet"),
            records=str(self.root / f"synthesise/toy/{method}.jsonl"),
            videos=str(self.root / f"synthesise/toy/{method}"),
            method=method,
            dataset="toy",
            tavc=None,
            scores=str(self.root / f"score/toy/{method}.parquet"),
            frames=str(self.root / f"score/toy/{method}.frames.parquet"),
            features=str(self.root / f"score/toy/{method}.features.npz"),
            threads=1,
            run_json=str(self.root / f"score/toy/{method}.run.json"),
        )


def record(clip_id: str, reason: Reason | None = None) -> ClipRecord:
    """Return what synthesise says of a clip of the miniature dataset."""
    lost_at = None if reason is None else "synthesise"
    return ClipRecord(
        clip_id=clip_id, dataset="toy", split="test", speaker=f"of_{clip_id}", stage="synthesise", version=1,
        reason=reason, lost_at=lost_at, detail="" if reason is None else "nobody there",
    )  # fmt: skip


def index_row(clip_id: str, root: Path) -> dict[str, object]:
    """Return a clip's line of the index."""
    texts = {name: "" for name in SCHEMA.names} | {"clip_id": clip_id, "source": f"file:{clip_id}"}
    numbers = {"start_frame": 0, "first_frame": 0, "frames": FRAMES, "mel_steps": 1 + FRAMES * 640 // 200}
    files = {stage: str(root / f"toy/{stage}/0.h5") for stage in ("trim", "crop", "mel", "motion")}
    return texts | numbers | files | {"dataset": "toy", "split": "test", "speaker": f"of_{clip_id}"}


def make_corpus(root: Path) -> Corpus:
    """Write two clips `a` and `b`, copied by the method `copy`, and a third, `c`, that it dropped."""
    rows, videos = [], root / "synthesise/toy/copy"
    videos.mkdir(parents=True)
    with store.create(root / "toy/crop/0.h5", store.Origin("crop", 1, "0" * 16)) as shard:
        for seed, clip_id in enumerate("ab"):
            opening = openings(seed)
            frames = talking_frames(opening)
            jpegs = [cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1] for frame in frames]
            arrays = pack([jpeg.tobytes() for jpeg in jpegs]) | {"landmarks": detect_landmarks(frames)}
            shard.put(clip_id, arrays, size_px=SIDE)
            media.write_video(videos / f"{clip_id}.mp4", frames, spoken(opening, seed), FORMAT)
            rows.append(index_row(clip_id, root))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, SCHEMA), root / "toy/index.parquet")
    write_lines(root / "synthesise/toy/copy.jsonl", [record("a"), record("c", Reason.NO_FACE), record("b")])
    return Corpus(root)
