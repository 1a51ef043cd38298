"""Find faces and their 68 landmarks with dlib's frontal detector and its regression trees, on the CPU.

Reads   one model file inside the wheel `face_recognition_models`, which is never imported; nothing is downloaded.
        Both packages are the optional extra `dlib`. The landmarks were learnt from iBUG 300-W, whose licence
        excludes commercial use: that is why nothing here needs them
Gives   every face of a frame, and landmarks of one face a frame, in whole pixels
Source  D. King, Max-Margin Object Detection (2015); V. Kazemi & J. Sullivan, One Millisecond Face Alignment with an
        Ensemble of Regression Trees (2014)

Shapes: N frames or faces, H × W pixels. Pixel coordinates are x right, y down.
"""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np

from tavce.faces.backend import Face, MissingWeightsError, one_face_a_frame
from tavce.faces.points import POINTS

INSTALL = "pip install --no-deps dlib-bin==20.0.1.post1 face_recognition_models==0.3.0"

try:
    import dlib
except ModuleNotFoundError as missing:
    raise MissingWeightsError(
        f"the back-end dlib needs the package dlib, which is not installed: {INSTALL}"
    ) from missing

WHEEL, MODEL_FILE = "face_recognition_models", "shape_predictor_68_face_landmarks.dat"
LONGEST_PX = 1280  # the longer side that the detector sees; its smallest face is 80 px, a sixteenth of that
MOST_ENLARGED = 2.0  # beyond which enlarging shows the detector nothing new


class Dlib:
    """The detector and the 68-point model. One instance is for one thread."""

    batch = 8  # frames; it looks at them one by one

    def __init__(self) -> None:
        """Open the models.

        Raises:
            MissingWeightsError: the wheel, or the model file in it, is not installed.
        """
        self._predictor = dlib.shape_predictor(str(model_path()))
        self._detector = dlib.get_frontal_face_detector()

    def detect(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces in each uint8 [H, W, 3] RGB frame, best first; none is an empty list.

        dlib's confidence has no upper bound and is above 0 for what it calls a face; the score is its logistic
        function, so it is above 0.5.
        """
        return [self._detect_one(frame) for frame in frames]

    def landmarks(
        self, frames: Sequence[np.ndarray], faces: Sequence[Face]
    ) -> tuple[np.ndarray, np.ndarray, list[Face]]:
        """Return points float32 [N, 68, 2] px, scores float32 [N], and the faces as they were given.

        dlib does not say how sure it is of landmarks: every score is 1. The faces stay as they are because the
        model was trained on the detector's boxes.

        Raises:
            ValueError: there are not as many faces as frames.
        """
        one_face_a_frame(frames, faces)
        points = np.zeros((len(faces), POINTS, 2), np.float32)
        for index, (frame, face) in enumerate(zip(frames, faces, strict=True)):
            left, top, right, bottom = (round(side) for side in face.box_px)
            found = self._predictor(np.ascontiguousarray(frame), dlib.rectangle(left, top, right - 1, bottom - 1))
            points[index] = [(point.x, point.y) for point in found.parts()]
        return points, np.ones(len(faces), np.float32), [*faces]

    def _detect_one(self, frame: np.ndarray) -> list[Face]:
        height, width = frame.shape[:2]
        scale = min(MOST_ENLARGED, LONGEST_PX / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        boxes, confidences, _ = self._detector.run(picture, 0, 0.0)
        stretch = np.tile([width / size[0], height / size[1]], 2)
        faces = []
        for box, confidence in zip(boxes, confidences, strict=True):
            edges = np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1]) * stretch
            faces.append(Face(tuple(edges.tolist()), float(1 / (1 + np.exp(-confidence)))))
        return sorted(faces, key=lambda face: face.score, reverse=True)


def open_backend() -> Dlib:
    """Return the back-end.

    Raises:
        MissingWeightsError: the wheel, or the model file in it, is not installed.
    """
    return Dlib()


def model_path(name: str = MODEL_FILE) -> Path:
    """Return where a model file of the wheel lies.

    Raises:
        MissingWeightsError: the wheel, or this file in it, is not installed; the message has the pip command.
    """
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name and (path := Path(file.locate())).is_file():
            return path
    raise MissingWeightsError(f"{name} comes with the wheel {WHEEL}, which is not installed: {INSTALL}")
