"""Facts about the groups that measure landmarks, pose and beats of a whole clip."""

from dataclasses import replace

import numpy as np
import pytest
from talking_portrait import SIDE, openings, spoken, talking_frames
from tiny_corpus import tiny_settings

from tavce.measure.beats import BeatGroup
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.landmark_distance import LandmarkGroup
from tavce.measure.measurements import Measurements
from tavce.measure.metrics import METRIC
from tavce.measure.pose import PoseGroup

FRAMES = 30
SETTINGS = tiny_settings(score={"min_frames": 20})
SETUP = Setup(SETTINGS.score, SETTINGS.window, SETTINGS.mel, SIDE, "cpu")


@pytest.fixture(scope="module")
def copied() -> Clip:
    """A generated video that is the real one, and silence."""
    frames, silence = talking_frames(openings(0, FRAMES)), Sound(np.zeros(FRAMES * 640, np.float32))
    return Clip("a", frames, frames, 128, silence, silence, SETTINGS.score)


def of(clip: Clip, **changes: object) -> Clip:
    """Return a clip with other contents; landmarks are kept but for those that are given."""
    landmarks = {name: changes.pop(name, getattr(clip, name)) for name in ("landmarks", "reference_landmarks")}
    changed = replace(clip, **changes)
    for name, value in landmarks.items():
        setattr(changed, name, value)
    return changed


def measure(group: type, clip: Clip) -> Measurements:
    measured = Measurements()
    group(SETUP).measure(clip, measured)
    return measured


def test_a_copy_of_the_real_video_has_no_distance_at_all(copied):
    """The detector, its resolution and its noise are the same in both."""
    assert measure(LandmarkGroup, copied).metrics == {"lmd_face": 0, "lmd_mouth": 0}


def test_a_face_that_is_moved_has_another_place_and_the_same_mouth(copied):
    metrics = measure(LandmarkGroup, of(copied, landmarks=copied.landmarks + np.float32(5))).metrics
    assert metrics["lmd_face"] > 0.05
    assert metrics["lmd_mouth"] < 1e-5


def test_the_curve_of_the_mouth_holds_the_portraits_mouth(copied):
    left, top, right, bottom = measure(LandmarkGroup, copied).curves["mouth"]
    assert left < 125 / 256 < right
    assert top < 168 / 256 < bottom
    assert right - left < 0.4


def test_too_few_common_faces_give_a_reason_that_says_how_many_there_are(copied):
    lost = copied.landmarks.copy()
    lost[:14] = np.nan
    measured = measure(LandmarkGroup, of(copied, landmarks=lost))
    words = "16 of 30 frames have landmarks in both videos, score.min_frames is 20"
    assert measured.reasons == {"lmd_face": words, "lmd_mouth": words}
    assert "mouth" in measured.curves
    assert measure(PoseGroup, of(copied, landmarks=lost)).reasons["pose_diversity"].startswith("16 of 30 frames have")


def test_a_video_without_a_face_has_no_mouth_to_show(copied):
    blank = np.full_like(copied.landmarks, np.nan)
    assert measure(LandmarkGroup, of(copied, landmarks=blank)).curves == {}


def test_the_portrait_talks_without_turning_its_head(copied):
    assert 0 < measure(PoseGroup, copied).metrics["pose_diversity"] < 1.5


def test_beats_of_a_clip_have_reasons_where_there_are_none(copied):
    silent = of(copied, sound=Sound(None, "no_audio: none"))
    assert measure(BeatGroup, silent).reasons == {"beat_align": "no_audio: none"}
    short = of(copied, sound=Sound(spoken(openings(0, 12))))
    words = "12 of 30 frames have landmarks and sound, score.min_frames is 20"
    assert measure(BeatGroup, short).reasons == {"beat_align": words}
    still = of(copied, landmarks=np.repeat(copied.landmarks[:1], FRAMES, axis=0))
    assert measure(BeatGroup, still).reasons["beat_align"].startswith("the face does not move")


@pytest.mark.parametrize("group", [LandmarkGroup, PoseGroup, BeatGroup])
def test_every_metric_of_a_group_is_one_of_the_tables(group):
    assert set(group.metrics) <= METRIC.keys()
    assert group(SETUP).depends() is not None
