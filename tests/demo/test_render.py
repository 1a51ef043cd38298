"""Facts about rendered clips: what a tracker and a listener find is what the labels say."""

from dataclasses import replace

import numpy as np
import pytest

from tavce.demo.espeak import Voice
from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip
from tavce.demo.speech import SpeechError
from tavce.faces.facemesh import FaceMesh
from tavce.faces.points import inter_ocular, mouth_opening
from tavce.files import sha256
from tavce.media import decode, read_wave

CLIPS = plan(8, ClipsPerSpeaker(1, 1, 1), seed=0)
SAMPLES_PER_FRAME = 640


@pytest.fixture(scope="module", params=[1, 6], ids=["train", "held out"])
def rendered(request, tmp_path_factory):
    """Return the labels, frames and sound of a rendered clip."""
    video = render_clip(CLIPS[request.param], tmp_path_factory.mktemp("clips"))
    return dict(np.load(video.with_suffix(".npz"))), list(decode(video)), read_wave(video, 16_000)


@pytest.fixture(scope="module")
def tracked(rendered):
    """Return the landmarks [T, 68, 2] that the default back-end finds in the decoded frames."""
    back_end, frames = FaceMesh(), rendered[1]
    faces = back_end.detect(frames)
    assert all(faces)
    return back_end.landmarks(frames, [found[0] for found in faces])[0]


def test_a_short_clip_is_the_same_byte_by_byte_when_rendered_again(tmp_path):
    clip = replace(CLIPS[0], sentence="Five apples.")
    first, second = (render_clip(clip, tmp_path / folder) for folder in ("first", "second"))
    assert sha256(first) == sha256(second)
    assert sha256(first.with_suffix(".npz")) == sha256(second.with_suffix(".npz"))


def test_a_failed_clip_leaves_no_file(tmp_path):
    with pytest.raises(SpeechError, match="no voice nobody"):
        render_clip(replace(CLIPS[0], voice=Voice("nobody", 150, 50)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_lasts_four_to_eight_seconds_and_every_frame_has_its_labels(rendered):
    labels, frames, wave = rendered
    assert 4 * 25 <= len(frames) <= 8 * 25
    assert {name: label.shape for name, label in labels.items()} == {
        "opening": (len(frames),),
        "spread": (len(frames),),
        "blink": (len(frames),),
        "pose": (len(frames), 3),
        "landmarks": (len(frames), 68, 2),
    }
    assert abs(len(wave) / SAMPLES_PER_FRAME - len(frames)) < 2
    assert np.sqrt(np.mean(wave**2)) > 0.03


def test_a_tracker_finds_the_landmarks_where_the_labels_are(rendered, tracked):
    truth = rendered[0]["landmarks"]
    error = np.linalg.norm(tracked - truth, axis=-1)[:, 17:].mean(axis=1) / inter_ocular(truth)
    assert error.mean() < 0.08


def test_a_tracker_sees_the_mouth_open_as_the_labels_say(rendered, tracked):
    assert np.corrcoef(mouth_opening(tracked), rendered[0]["opening"])[0, 1] > 0.85


def test_the_mouth_follows_the_sound_without_delay(rendered):
    labels, frames, wave = rendered
    count = len(frames)
    power = (wave[: count * SAMPLES_PER_FRAME].reshape(count, -1) ** 2).mean(axis=1)
    loudness = np.log10(power + 1e-5)

    def match(lag: int) -> float:
        """Return how well the mouth goes with the sound of `lag` frames before."""
        mouth, sound = labels["opening"][max(0, lag) :], loudness[max(0, -lag) :]
        shared = min(len(mouth), len(sound))
        return np.corrcoef(mouth[:shared], sound[:shared])[0, 1]

    matches = {lag: match(lag) for lag in range(-10, 11)}
    assert max(matches, key=matches.get) == 0
    assert matches[0] > 0.5
    assert matches[0] > 0.3 + max(matches[lag] for lag in matches if abs(lag) >= 5)
