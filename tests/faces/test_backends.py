"""Facts about every face back-end on the same photographs, against points that people set.

Those of face_alignment are checked only where its published weights have been fetched into store/weights.
"""

import importlib.metadata
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import stills
from fetched import with_dlib

from tavce import store, weights
from tavce.demo.portrait import load_portrait
from tavce.faces.backend import BACKENDS, Backend, Face, MissingWeightsError, open_backend
from tavce.faces.overlap import iou
from tavce.faces.points import inter_ocular

ERRORS = {  # of points 17 to 67, in distances of the outer eye corners: a little above what each was measured at
    "facemesh": {"takeo": 0.05, "lenna": 0.05, "breakingbad": 0.085},
    "face_alignment": {"takeo": 0.05, "lenna": 0.05, "breakingbad": 0.085},
    "dlib": {"takeo": 0.035, "lenna": 0.03, "breakingbad": 0.045},
}

each = pytest.mark.parametrize("name", BACKENDS)
pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def back_ends() -> Iterator[dict[str, Backend]]:
    """Every back-end that can be had here, by name."""
    with with_dlib():
        found = {name: open_backend(name) for name in ("facemesh", "dlib")}
        if all((weights.FOLDER / weights.table()[name].file).is_file() for name in ("s3fd", "fan4")):
            found["face_alignment"] = open_backend("face_alignment")
        yield found


@pytest.fixture(scope="module")
def photographs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return stills.load()


def of(back_ends: dict[str, Backend], name: str) -> Backend:
    if name not in back_ends:
        pytest.skip(f"the published weights of {name} are not in {weights.FOLDER}: `tavce fetch s3fd`, `… fan4`")
    return back_ends[name]


def labelled(back_end: Backend, picture: np.ndarray, truth: np.ndarray) -> Face | None:
    """Return the face that the labels are of, None where it is not found."""
    box = np.concatenate([truth.min(axis=0), truth.max(axis=0)])
    return next((face for face in back_end.detect([picture])[0] if iou(np.array(face.box_px), box) > 0.4), None)


@each
@pytest.mark.parametrize("photograph", ["takeo", "lenna", "breakingbad"])
def test_landmarks_lie_where_people_set_them(back_ends, photographs, name, photograph):
    picture, truth = photographs[photograph]
    back_end = of(back_ends, name)
    points, scores, _ = back_end.landmarks([picture], [labelled(back_end, picture, truth)])
    error = np.linalg.norm(points[0] - truth, axis=-1)[17:].mean() / inter_ocular(truth)
    assert 0.01 < error < ERRORS[name][photograph]
    assert scores[0] > 0.5


@pytest.mark.parametrize("name", ["facemesh", "dlib"])
def test_the_photograph_of_einstein_defeats_both_detectors(back_ends, photographs, name):
    picture, truth = photographs["einstein"]
    assert labelled(back_ends[name], picture, truth) is None


def test_what_facemesh_finds_there_its_mesh_does_not_take_for_a_face(back_ends, photographs):
    picture, _ = photographs["einstein"]
    faces = back_ends["facemesh"].detect([picture])[0]
    _, scores, _ = back_ends["facemesh"].landmarks([picture] * len(faces), faces)
    assert (scores < 0.5).all()


def test_back_ends_box_the_same_part_of_a_face(back_ends):
    portrait = load_portrait()
    boxes = [labelled(back_end, portrait.picture, portrait.landmarks).box_px for back_end in back_ends.values()]
    shared = iou(np.array(boxes)[:, None], np.array(boxes)[None])
    assert shared.min() > 0.4


@each
def test_boxes_and_landmarks_grow_with_the_frame(back_ends, name):
    portrait = load_portrait()
    back_end = of(back_ends, name)
    large = cv2.resize(portrait.picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    face, grown = (
        labelled(back_end, picture, portrait.landmarks * scale)
        for picture, scale in ((portrait.picture, 1), (large, 3))
    )
    assert iou(np.array(grown.box_px) / 3, np.array(face.box_px)) > 0.75
    points, _, _ = back_end.landmarks([portrait.picture], [face])
    more, _, _ = back_end.landmarks([large], [grown])
    assert np.linalg.norm(more / 3 - points, axis=-1).mean() < 0.05 * inter_ocular(portrait.landmarks)


def test_dlibs_faces_come_best_first_with_scores_from_a_half_to_one(back_ends, photographs):
    for picture, _ in photographs.values():
        scores = [face.score for face in back_ends["dlib"].detect([picture])[0]]
        assert scores == sorted(scores, reverse=True)
        assert all(0.5 < score < 1 for score in scores)


def test_dlib_gives_back_the_faces_it_was_given_and_is_always_sure(back_ends, photographs):
    picture, truth = photographs["lenna"]
    face = Face((*truth.min(axis=0), *truth.max(axis=0)), 0.3)
    points, scores, faces = back_ends["dlib"].landmarks([picture, picture], [face, face])
    assert faces == [face, face]
    assert (points.dtype, points.shape, scores.tolist()) == (np.float32, (2, 68, 2), [1, 1])


def test_dlib_wants_a_face_for_every_frame_and_none_for_none(back_ends):
    dlib = back_ends["dlib"]
    assert dlib.detect([np.zeros((90, 160, 3), np.uint8)]) == [[]]
    assert dlib.landmarks([], [])[0].shape == (0, 68, 2)
    with pytest.raises(ValueError, match="1 frames but 0 faces"):
        dlib.landmarks([np.zeros((9, 16, 3), np.uint8)], [])


def test_detect_follows_a_head_with_dlib_as_its_labels_say(back_ends, talking, demo_video):
    pipeline = talking.with_settings(detect={"backend": "dlib"})
    pipeline.run_all("detect")
    assert pipeline.records("detect")["head"].numbers["backend"] == "dlib"
    truth = np.load(demo_video.with_suffix(".npz"))["landmarks"]
    with store.open_shard(pipeline.h5("detect")) as file:
        points = file["head"]["landmarks"][:]
    errors = np.linalg.norm(points - truth[: len(points)], axis=-1)[:, 17:].mean(axis=1)
    assert (errors < 0.03 * inter_ocular(truth[: len(points)])).all()


@pytest.mark.parametrize("found", [[], None], ids=["not in the wheel", "no wheel"])
def test_dlib_without_its_model_file_names_the_command(monkeypatch, found):
    def files(name):
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    with with_dlib():
        monkeypatch.setattr(importlib.metadata, "files", files)
        with pytest.raises(MissingWeightsError, match=r"68_face_landmarks\.dat comes with .* face_recognition_models"):
            open_backend("dlib")
