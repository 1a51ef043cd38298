"""Fit the expression basis on the training speakers, once for all datasets.

Reads   `landmarks` of the crops, the records of `quality`, and the `frames` where a network measures
        (`motion.backend`)
Writes  basis.npz (`tavce.faces.basis`), with the digest of its clips' ids: principal components of the landmarks, or
        the map to them from the network's coefficients
The basis is frozen: new clips are projected on it. `snakemake --forcerun basis` fits it anew.
"""

import argparse
import logging

import numpy as np

from tavce import store
from tavce.config import parse_sections
from tavce.data.coefficients import Network, load_network, read_pictures
from tavce.faces.basis import POSE, ExpressionBasis
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
        InputError: too few training frames, or the weights of the backend are missing.
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
    network = load_network(settings)
    per_clip = max(1, settings.fit_frames // len(clips))
    samples = [_sample(path, clip_id, per_clip, network) for path, clip_id in clips]
    frontal, expression = (np.concatenate(part) for part in zip(*samples, strict=True))
    try:
        if network:
            basis = ExpressionBasis.fit_map(expression, frontal, network.name)
        else:
            basis = ExpressionBasis.fit(frontal, settings.expression)
    except ValueError as error:
        raise InputError(f"expression basis: {error}: lower motion.expression or give more clips") from error
    names = sorted(clip_id for _, clip_id in clips)
    basis.save(arguments.out, clips=digest(names), frames=str(len(frontal)))
    log.info(
        "basis: %d components explain %.1f%% of %d frames", settings.expression, 100 * basis.explained, len(frontal)
    )


def _sample(path: str, clip_id: str, count: int, network: Network | None) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` pose-free frames [n, 68, 2] of a clip, evenly spread, or all where there are fewer, and what a
    network sees in them [n, E]; without one, E is 0."""
    with store.open_shard(path) as crops:
        crop = crops[clip_id]
        landmarks = crop["landmarks"][:]
        chosen = np.unique(np.linspace(0, len(landmarks) - 1, count).round().astype(int))
        frontal = frontalise(landmarks[chosen], head_pose(landmarks[chosen]))
        good = np.isfinite(frontal).all(axis=(1, 2))
        if network is None:
            return frontal[good], np.empty((good.sum(), 0))
        seen = chosen[good]
        return frontal[good], network(read_pictures(crop, seen), landmarks[seen])[:, :-POSE]
