"""Facts about what SyncNet says of a generated clip; its weights are from a seed, in the published file's place."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from talking_portrait import SIDE, openings, spoken, talking_frames
from tiny_corpus import tiny_settings

from tavce import weights
from tavce.faces.sync_crop import sync_crops
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.landmarks import detect_landmarks, filled
from tavce.measure.lip_sync import SyncGroup
from tavce.measure.measurements import Measurements
from tavce.networks.syncnet import SyncNetStreams

FRAMES = 21
SETTINGS = tiny_settings(score={"min_frames": 15})
SETUP = Setup(SETTINGS.score, SETTINGS.window, SETTINGS.mel, SIDE, "cpu")


@pytest.fixture(scope="module")
def clip() -> Clip:
    """A clip without a face in frames 0 and 9."""
    opening = openings(0, FRAMES)
    frames = talking_frames(opening)
    sound = Sound(spoken(opening))
    clip = Clip("a", frames, frames, 128, sound, sound, SETTINGS.score)
    clip.landmarks = detect_landmarks(frames)
    clip.landmarks[[0, 9]] = np.nan
    return clip


@pytest.fixture
def placed(monkeypatch, tmp_path):
    """Weights in the published file's place."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(7)
    weights.FOLDER.mkdir(parents=True)
    path = weights.FOLDER / "syncnet_v2.model"
    torch.save(SyncNetStreams().state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = weights.table()["syncnet_v2"].model_copy(update={"sha256": digest})
    monkeypatch.setattr(weights, "table", lambda: {"syncnet_v2": entry})
    return digest


def measure(group: SyncGroup, clip: Clip) -> Measurements:
    measured = Measurements()
    group.measure(clip, measured)
    return measured


@pytest.mark.slow
def test_lips_and_sound_are_scored_as_syncnet_scores_them_and_what_lacks_is_said(placed, clip):
    group = SyncGroup(SETUP)
    score = group._syncnet.score(sync_crops(clip.frames, filled(clip.landmarks)), clip.sound.require())
    expected = {"lse_c": score.confidence, "lse_d": score.distance, "sync_offset": score.offset_frames}
    assert measure(group, clip).metrics == pytest.approx(expected)
    assert group.depends() == [15, 25, placed]

    short = replace(clip, sound=Sound(clip.sound.require()[:-1]))
    short.landmarks = clip.landmarks
    assert measure(group, short).reasons["lse_d"] == "fewer than 21 frames have both picture and sound"
    silent = replace(clip, sound=Sound(None, "no_audio: none"))
    assert set(measure(group, silent).reasons.values()) == {"no_audio: none"}
    blank = replace(clip)
    blank.landmarks = np.full_like(clip.landmarks, np.nan)
    assert measure(group, blank).reasons["lse_c"] == "0 of 21 frames have landmarks, score.min_frames is 15"


def test_without_its_weights_the_reason_is_the_command_that_fetches_them(monkeypatch, tmp_path, clip):
    monkeypatch.chdir(tmp_path)
    group = SyncGroup(SETUP)
    measured = measure(group, clip)
    assert measured.metrics == {"lse_c": None, "lse_d": None, "sync_offset": None}
    words = "the weights syncnet_v2 are not there: .venv/bin/tavce fetch syncnet_v2"
    assert set(measured.reasons.values()) == {words}
    assert group.depends() == [15, 25, "not there"]


def test_videos_of_another_rate_than_syncnets_have_a_reason(monkeypatch, tmp_path, clip):
    monkeypatch.chdir(tmp_path)
    fast = replace(SETUP, window=SETTINGS.window.model_copy(update={"rate_hz": 50}))
    words = "SyncNet knows 25 frames a second only, window.rate_hz is 50"
    assert set(measure(SyncGroup(fast), clip).reasons.values()) == {words}
