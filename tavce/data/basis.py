"""Fit the expression basis on the training speakers, once for all datasets.

Reads   `landmarks` of the crops, and the records of `quality`
Writes  basis.npz (`tavce.faces.basis`), with the ids of its clips
The basis is frozen: new clips are projected on it. `snakemake --forcerun basis` fits it anew.
"""

import argparse
import logging

import numpy as np

from tavce import store
from tavce.config import parse_sections
from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import frontalise, head_pose
from tavce.files import digest, input_file
from tavce.records import InputError, read_records

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--crops", type=input_file, nargs="+", required=True, help="crops of every shard, .h5")
    parser.add_argument(
        "--records", type=input_file, nargs="+", required=True, help="records of `quality`, in the same order"
    )
    parser.add_argument("--out", required=True)


def run(arguments: argparse.Namespace) -> None:
    """Fit and write the basis.

    Raises:
        InputError: too few training frames.
    """
    settings = parse_sections(arguments.settings)["motion"]
    clips = [
        (path, record.clip_id)
        for path, records in zip(arguments.crops, arguments.records, strict=True)
        for record in read_records(records)
        if record.kept and record.split == "train"
    ]
    if not clips:
        raise InputError("no training clip is left to fit the expression basis on: see the records of `quality`")
    per_clip = max(1, settings.fit_frames // len(clips))
    frontal = np.concatenate([_frontal(path, clip_id, per_clip) for path, clip_id in clips])
    try:
        basis = ExpressionBasis.fit(frontal, settings.expression)
    except ValueError as error:
        raise InputError(f"expression basis: {error}: lower motion.expression or give more clips") from error
    names = sorted(clip_id for _, clip_id in clips)
    basis.save(arguments.out, clips=digest(names), frames=str(len(frontal)))
    log.info(
        "basis: %d components explain %.1f%% of %d frames", settings.expression, 100 * basis.explained, len(frontal)
    )


def _frontal(path: str, clip_id: str, count: int) -> np.ndarray:
    """Return `count` pose-free frames of a clip, evenly spread, or all where there are fewer."""
    with store.open_shard(path) as crops:
        landmarks = crops[clip_id]["landmarks"][:]
    chosen = landmarks[np.unique(np.linspace(0, len(landmarks) - 1, count).round().astype(int))]
    frontal = frontalise(chosen, head_pose(chosen))
    return frontal[np.isfinite(frontal).all(axis=(1, 2))]
