"""Facts about the back-end face_alignment, by networks of random weights: the package itself says what is right."""

import cv2
import face_alignment
import numpy as np
import pytest
import random_networks
import torch
from face_alignment.detection.sfd import FaceDetector

from tavce import weights
from tavce.faces import fan
from tavce.faces.backend import Face, open_backend
from tavce.records import InputError

FRAMES = random_networks.pictures(5)
FACES = [Face((20.3 + 5 * n, 11.7, 70.1 + 4 * n, 64.2 + 3 * n), 1.0) for n in range(5)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Both files of weights, where the package looks for them too; the only ones that are known."""
    home = tmp_path_factory.mktemp("torch")
    path = home / "hub" / "checkpoints"
    path.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        entries = random_networks.write(path)
        patch.setattr(weights, "FOLDER", path)
        patch.setattr(weights, "table", lambda: entries)
        patch.setenv("TORCH_HOME", str(home))
        yield path


@pytest.fixture(scope="module")
def opened(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        return open_backend("face_alignment")


@pytest.fixture
def back_end(opened, monkeypatch):
    monkeypatch.setattr(opened, "batch", 3)
    return opened


@pytest.fixture(scope="module")
def package(folder):
    kwargs = {"path_to_detector": str(folder / weights.table()["s3fd"].file)}
    flat = face_alignment.LandmarksType.TWO_D
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_get_preds_fromhm", "transform_np"):  # compiling them takes twenty seconds
            patch.setattr(face_alignment.utils, name, getattr(face_alignment.utils, name).py_func)
        yield face_alignment.FaceAlignment(
            flat, device="cpu", flip_input=False, compile=False, face_detector_kwargs=kwargs
        )


def numbers(faces: list[Face]) -> np.ndarray:
    return np.array([(*face.box_px, face.score) for face in faces]).reshape(-1, 5)


def test_faces_are_those_the_package_finds_in_every_frame_by_itself(back_end, folder):
    alone = FaceDetector(device="cpu", path_to_detector=str(folder / weights.table()["s3fd"].file))
    together = back_end.detect(FRAMES)
    for frame, faces in zip(FRAMES, together, strict=True):
        expected = np.array(alone.detect_from_image(frame))
        assert len(expected) > 3
        np.testing.assert_allclose(numbers(faces), expected, atol=1e-3)
        np.testing.assert_allclose(numbers(back_end.detect([frame])[0]), expected, atol=1e-3)


def test_the_best_face_comes_first_and_all_are_likely(back_end):
    for faces in back_end.detect(FRAMES):
        scores = [face.score for face in faces]
        assert scores == sorted(scores, reverse=True)
        assert 0.5 < scores[-1] <= scores[0] <= 1


def test_landmarks_are_the_packages_with_the_fraction_it_cuts_off(back_end, package):
    points, scores, faces = back_end.landmarks(FRAMES, FACES)
    assert faces == FACES
    for index, (frame, face) in enumerate(zip(FRAMES, FACES, strict=True)):
        (expected,), (heights,), _ = package.get_landmarks_from_image(
            frame, detected_faces=[np.array([*face.box_px, 1.0])], return_landmark_score=True
        )
        least, most = (np.trunc(points[index] + 0.5 + rounding) for rounding in (-1e-3, 1e-3))
        assert ((least <= expected) & (expected <= most)).all()
        assert scores[index] == pytest.approx(np.clip(heights.mean(), 0, 1), abs=1e-4)


def test_landmarks_of_a_batch_are_those_of_single_frames(back_end):
    together, scores, _ = back_end.landmarks(FRAMES, FACES)
    for index in range(len(FRAMES)):
        alone, score, _ = back_end.landmarks(FRAMES[index : index + 1], FACES[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-3)
        assert score[0] == pytest.approx(scores[index], abs=1e-4)


def test_a_large_frame_is_seen_small_and_its_boxes_fit_the_frame(back_end, monkeypatch):
    small = cv2.resize(FRAMES[0], (64, 48), interpolation=cv2.INTER_AREA)
    expected = numbers(back_end.detect([small])[0]) * (2, 2, 2, 2, 1)
    monkeypatch.setattr(fan, "LONGEST_PX", 64)
    np.testing.assert_allclose(numbers(back_end.detect(FRAMES[:1])[0]), expected, atol=1e-3)


def test_frames_of_several_sizes_are_each_seen_as_they_are(back_end):
    frames = [FRAMES[0], FRAMES[1][:64], FRAMES[2][:64], FRAMES[3]]
    for frame, faces in zip(frames, back_end.detect(frames), strict=True):
        np.testing.assert_allclose(numbers(faces), numbers(back_end.detect([frame])[0]), atol=1e-3)


def test_a_frame_smaller_than_the_network_can_take_is_seen_with_a_black_rim(back_end):
    rimmed = np.zeros((32, 40, 3), np.uint8)
    rimmed[:20] = FRAMES[0][:20, :40]
    np.testing.assert_allclose(
        numbers(back_end.detect([FRAMES[0][:20, :40]])[0]), numbers(back_end.detect([rimmed])[0]), atol=1e-3
    )


def test_outside_the_frame_is_black(back_end):
    rimmed = np.pad(FRAMES[0], ((8, 8), (8, 8), (0, 0)))
    plain, _, _ = back_end.landmarks(FRAMES[:1], [Face((-16.0, 8.0, 34.0, 68.0), 1.0)])
    moved, _, _ = back_end.landmarks([rimmed], [Face((-8.0, 16.0, 42.0, 76.0), 1.0)])
    np.testing.assert_allclose(moved - 8, plain, atol=1e-3)


def test_a_face_beyond_the_frame_has_landmarks_all_the_same(back_end):
    for x, y in ((400, -300), (-300, 400)):
        beyond, _, _ = back_end.landmarks(FRAMES[:1], [Face((x, y, x + 50, y + 60), 1.0)])
        assert np.isfinite(beyond).all()


def test_no_frames_have_no_faces_and_no_landmarks(back_end):
    assert back_end.detect([]) == []
    points, scores, faces = back_end.landmarks([], [])
    assert (points.shape, scores.shape, faces) == ((0, 68, 2), (0,), [])


def test_fan_wants_a_face_for_every_frame(back_end):
    with pytest.raises(ValueError, match="1 frames but 0 faces"):
        back_end.landmarks(FRAMES[:1], [])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_what_the_cpu_gives(back_end, folder):
    fast = open_backend("face_alignment")
    assert fast.batch == fan.BATCH["cuda"]
    for here, there in zip(back_end.detect(FRAMES), fast.detect(FRAMES), strict=True):
        np.testing.assert_allclose(numbers(there)[:5], numbers(here)[:5], atol=0.2)
    here, there = (side.landmarks(FRAMES, FACES)[0] for side in (back_end, fast))
    assert np.median(np.abs(here - there)) < 0.1


def test_weights_that_were_not_fetched_are_named_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(InputError, match="s3fd weights are missing: run `tavce fetch s3fd`"):
        open_backend("face_alignment")
