"""Turn a shard's crops into motion coefficients.

Reads   `landmarks` of the crops, their `frames` where a network measures (`motion.backend`), and the expression basis
Writes  `motion` float32 [T, 70] (`tavce.faces.basis`, or `tavce.faces.deep3d`), `blink` float32 [T] and one record a
        clip: how far off landmarks are that are rebuilt from the expression, and which share of the clip's movement
        (the variance of its pose-free landmarks) the expression explains
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from tavce import store
from tavce.config.data import Motion
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.data.coefficients import Network, load_network, read_pictures
from tavce.faces.basis import LANDMARKS, POSE, ExpressionBasis, explained_share
from tavce.faces.mean_face import frontalise, head_pose, pose_landmarks
from tavce.faces.points import eye_opening
from tavce.files import input_file, sha256
from tavce.records import ClipError, ClipRecord, InputError, Reason, Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)
    parser.add_argument("--crops", type=input_file, required=True, help="the shard's crops, .h5")
    parser.add_argument("--basis", type=input_file, required=True, help="the expression basis, .npz")


def run(arguments: argparse.Namespace) -> None:
    """Compute the coefficients of one shard.

    Raises:
        InputError: the basis is of another backend or other weights, or the weights are missing.
    """
    job = open_job("motion", arguments)
    run_shard(job, partial(_open, job.settings["motion"], arguments.crops, arguments.basis))


@contextmanager
def _open(settings: Motion, crops_path: str, basis_path: str, _folder: Path) -> Iterator["Measure"]:
    network = load_network(settings)
    basis = ExpressionBasis.load(basis_path)
    backend = network.name if network else LANDMARKS
    if basis.backend != backend:
        raise InputError(
            f"{basis_path} was fitted to coefficients of {basis.backend}, these are of {backend}: "
            "fit it anew with `snakemake --forcerun basis`"
        )
    lineage = {"basis_sha256": sha256(basis_path), "backend": backend}
    with store.open_shard(crops_path) as crops:
        yield Measure(crops, basis, network, lineage)


@dataclass(frozen=True)
class Measure:
    """Measures one clip."""

    crops: h5py.File
    basis: ExpressionBasis
    network: Network | None
    lineage: Mapping[str, str]  # attributes of every clip

    def __call__(self, row: Row, _before: ClipRecord) -> Result:
        """Return the clip's coefficients.

        Raises:
            ClipError: `pose_failed` where a frame has none.
        """
        crop = self.crops[row.clip_id]
        landmarks = crop["landmarks"][:]
        if self.network:
            motion = self.network(read_pictures(crop, range(len(landmarks))), landmarks)
        else:
            motion = self.basis.motion(landmarks, int(crop.attrs["size_px"]))
        pose = head_pose(landmarks)
        frontal = frontalise(landmarks, pose)
        lost = int((~(np.isfinite(motion).all(axis=1) & np.isfinite(frontal).all(axis=(1, 2)))).sum())
        if lost:
            raise ClipError(Reason.POSE_FAILED, f"no head pose in {lost} of {len(motion)} frames")
        rebuilt = self.basis.frontal(motion[:, :-POSE])
        numbers = {
            "frames": len(motion),
            "reconstruction_px": round(float(np.abs(pose_landmarks(rebuilt, pose) - landmarks).mean()), 3),
            "explained": round(explained_share(frontal, rebuilt), 4),
        }
        blink = eye_opening(landmarks).astype(np.float32)
        return Result(numbers, {"motion": motion, "blink": blink}, self.lineage)
