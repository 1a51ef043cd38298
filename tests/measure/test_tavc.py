"""Facts about the similarity of voice and generated mouth."""

import json

import numpy as np
import pytest
import torch
from talking_portrait import SIDE, openings, spoken, talking_frames
from tiny_corpus import SIDE as TINY_SIDE
from tiny_corpus import tiny_settings

from tavce.config import merge
from tavce.data.mel import log_mel
from tavce.measure.clip import Clip, Sound
from tavce.measure.correlation import Asked, TavcGroup, mouths
from tavce.measure.groups import Setup
from tavce.measure.measurements import Measurements
from tavce.metric.model import Encoders, load_metric
from tavce.records import InputError
from tavce.training import checkpoint

FRAMES = 30
SETTINGS = tiny_settings()
SPACING = SETTINGS.metrics["paper"].spacing


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return talking_frames(openings(0, FRAMES))


@pytest.fixture(scope="module")
def metric(tmp_path_factory) -> str:
    """A metric that has learnt nothing: its weights are from a seed."""
    torch.manual_seed(7)
    recipe = SETTINGS.metrics["paper"]
    state = {
        "settings": json.dumps({"metric": recipe.model_dump(mode="json")}),
        "networks": {"encoders": Encoders(recipe.networks, recipe.input_px).state_dict()},
    }
    path = tmp_path_factory.mktemp("metric") / "best.pt"
    checkpoint.save(path, state)
    return str(path)


def setup(tavc: str | None, **score: object) -> Setup:
    settings = tiny_settings(score=merge({"min_frames": 20}, score))
    return Setup(settings.score, settings.window, settings.mel, SIDE, "cpu", tavc)


def clip_of(frames: list[np.ndarray], frames_heard: int = FRAMES, other: Sound | None = None) -> Clip:
    wave = spoken(openings(0, frames_heard))
    settings = setup(None).settings
    return Clip("a", frames, frames, SIDE, Sound(wave), other or Sound(spoken(openings(1, FRAMES), 1)), settings)


@pytest.fixture(scope="module")
def asked(metric, frames) -> Asked:
    return Asked(load_metric(metric), setup(metric), clip_of(frames))


@pytest.fixture(scope="module")
def measured(metric, asked) -> Measurements:
    """What the group says of a clip."""
    result = Measurements()
    TavcGroup(setup(metric)).measure(asked.clip, result)
    return result


def test_mouths_of_generated_frames_are_cut_as_those_of_a_dataset(tiny):
    entry, clips, chosen = tiny.entries("test")[0], tiny.clips(), range(3, 9)
    frames = [clips.picture(entry, frame, TINY_SIDE) for frame in chosen]
    landmarks, expected = clips.landmarks(entry)[3:9], clips.mouths(entry, chosen, 20, 20)
    np.testing.assert_array_equal(mouths(frames, landmarks, TINY_SIDE, 20), expected)
    doubled = [frame.repeat(2, axis=0).repeat(2, axis=1) for frame in frames]
    np.testing.assert_array_equal(mouths(doubled, (landmarks + 0.5) * 2 - 0.5, TINY_SIDE, 20), expected)


def test_voices_are_those_of_the_frames_mel_windows(asked):
    wave = asked.clip.sound.require()
    mel = log_mel(wave, SETTINGS.mel)
    for frame in (0, 1, 2, 17, FRAMES - 1):
        steps = np.clip(int(80 * (frame - 2) / 25) + np.arange(16), 0, len(mel) - 1)
        with torch.no_grad():
            voice = asked.metric.encoders.audio(torch.from_numpy(mel[steps].T)[None, None])[0].numpy()
        np.testing.assert_allclose(asked.voices(wave)[frame], voice, atol=1e-5)


def test_the_similarity_is_the_squared_cosine_of_the_two_changes(asked, measured):
    voices, faces = asked.voices(asked.clip.sound.require()), asked.faces
    curve = measured.curves["similarity"]
    assert (curve.dtype, len(curve)) == (np.float32, FRAMES)
    assert np.isnan(curve[:SPACING]).all()
    for frame in (4, 11, FRAMES - 1):
        voice, face = (moments[frame] - moments[frame - SPACING] for moments in (voices, faces))
        cosine = voice @ face / np.linalg.norm(voice) / np.linalg.norm(face)
        assert curve[frame] == pytest.approx(cosine**2, abs=1e-4)
    assert measured.metrics["tavc"] == pytest.approx(curve[SPACING:].mean(), rel=1e-5)


def test_another_clips_sound_gives_another_number(asked, measured):
    similarity = asked.similarity(asked.clip.other)
    assert measured.metrics["tavc_shuffled"] == pytest.approx(similarity.mean(), rel=1e-5)
    assert measured.metrics["tavc_shuffled"] != measured.metrics["tavc"]


def test_a_frame_without_a_face_has_the_box_of_its_neighbours(asked, metric, frames):
    lost = clip_of(frames)
    lost.landmarks = asked.clip.landmarks.copy()
    lost.landmarks[12] = np.nan
    faces = Asked(load_metric(metric), setup(metric), lost).faces
    assert np.isfinite(faces).all()
    np.testing.assert_allclose(faces[20], asked.faces[20], atol=1e-6)


def test_frames_that_the_sound_does_not_cover_have_no_similarity(asked, metric, frames):
    short, result = clip_of(frames, 24, Sound(None, "no other clip")), Measurements()
    short.landmarks = asked.clip.landmarks
    TavcGroup(setup(metric)).measure(short, result)
    assert np.isfinite(result.curves["similarity"]).tolist() == [SPACING <= frame < 24 for frame in range(FRAMES)]
    assert result.reasons == {"tavc_shuffled": "no other clip"}


def test_sound_without_a_pair_of_frames_gives_a_reason(asked, metric, frames):
    few, result = clip_of(frames, SPACING), Measurements()
    few.landmarks = asked.clip.landmarks
    few.settings = setup(None, min_frames=1).settings
    TavcGroup(setup(metric)).measure(few, result)
    assert result.reasons["tavc"] == f"of {SPACING} frames no two are {SPACING} apart"


def test_a_clip_with_too_few_faces_gives_a_reason_and_no_curve(metric, frames):
    blank, result = clip_of(frames), Measurements()
    blank.landmarks = np.full((FRAMES, 68, 2), np.nan, np.float32)
    TavcGroup(setup(metric)).measure(blank, result)
    assert result.reasons["tavc"] == f"0 of {FRAMES} frames have landmarks and sound, score.min_frames is 20"
    assert result.curves == {}


def test_where_no_metric_is_asked_the_reason_says_so(frames):
    group, result = TavcGroup(setup(None)), Measurements()
    group.measure(clip_of(frames), result)
    assert result.metrics == {"tavc": None, "tavc_shuffled": None}
    assert set(result.reasons.values()) == {"score.tavc is null: no metric was asked"}
    assert group.depends()[-1] is None


def test_results_depend_on_the_metrics_weights(metric, tmp_path):
    state = checkpoint.load(metric)
    first = next(iter(state["networks"]["encoders"].values()))
    first += 1
    checkpoint.save(tmp_path / "best.pt", state)
    assert TavcGroup(setup(metric)).depends() != TavcGroup(setup(str(tmp_path / "best.pt"))).depends()


def test_a_metric_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"best\.pt is not there"):
        TavcGroup(setup(str(tmp_path / "best.pt")))
