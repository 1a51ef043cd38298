"""Turn the landmarks of a shard's crops into motion coefficients.

Reads   `landmarks` of the crops, and the expression basis
Writes  `motion` float32 [T, 70] (`tavce.faces.basis`) and one record a clip
"""

import argparse

import numpy as np

from tavce import store
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.faces.basis import ExpressionBasis
from tavce.files import input_file, sha256
from tavce.records import ClipError, Reason


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)
    parser.add_argument("--crops", type=input_file, required=True, help="the shard's crops, .h5")
    parser.add_argument("--basis", type=input_file, required=True, help="the expression basis, .npz")


def run(arguments: argparse.Namespace) -> None:
    """Compute the coefficients of one shard."""
    job = open_job("motion", arguments)
    basis = ExpressionBasis.load(arguments.basis)
    origin = sha256(arguments.basis)
    with store.open_shard(arguments.crops) as crops:

        def work(row, _before):
            crop = crops[row.clip_id]
            side_px = int(crop.attrs["size_px"])
            landmarks = crop["landmarks"][:]
            motion = basis.motion(landmarks, side_px)
            lost = int((~np.isfinite(motion).all(axis=1)).sum())
            if lost:
                raise ClipError(Reason.POSE_FAILED, f"no head pose in {lost} of {len(motion)} frames")
            error_px = np.abs(basis.landmarks(motion, side_px) - landmarks).mean()
            numbers = {"frames": len(motion), "reconstruction_px": round(float(error_px), 3)}
            return Result(numbers, {"motion": motion}, {"basis_sha256": origin})

        run_shard(job, work)
