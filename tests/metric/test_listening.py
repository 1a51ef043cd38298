"""Facts about the check whether a metric listens."""

import numpy as np
import pytest
import torch
from tiny_corpus import FRAMES, tiny_settings

from tavce.dataset import to_unit
from tavce.metric.listening import Embedded, auc, best_lag, cos2, embed, listening
from tavce.metric.model import Encoders

RECIPE = tiny_settings().metrics["paper"]
FRAMES_OF_A_CLIP = 120


def clip(seed: int, voices: np.ndarray | None = None, shift: int = 0) -> Embedded:
    """Return a clip whose faces wander, and whose voice wanders alike but `shift` frames earlier."""
    random = np.random.default_rng(seed)
    walk = random.normal(size=(FRAMES_OF_A_CLIP + 40, 16)).cumsum(axis=0)
    faces = walk[20 : 20 + FRAMES_OF_A_CLIP]
    heard = walk[20 + shift : 20 + shift + FRAMES_OF_A_CLIP] if voices is None else voices
    pixels = np.cumsum(random.normal(size=(FRAMES_OF_A_CLIP, 5)), axis=0)
    return Embedded(heard, faces, pixels)


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [([3, 4], [1, 2], 1), ([1, 2], [3, 4], 0), ([1, 3], [2], 0.5), ([1], [1], 0.5), ([1, 2, 3], [2, 0], 4.5 / 6)],
)
def test_the_auc_counts_the_pairs_in_the_right_order(positive, negative, area):
    assert auc(positive, negative) == pytest.approx(area)


def test_cos2_is_the_squared_cosine_of_every_two_rows():
    one, other = np.array([[1.0, 0], [1, 1], [0, 0]]), np.array([[0.0, 1], [1, 0], [1, 1]])
    np.testing.assert_allclose(cos2(one, other), [0, 0.5, 0], atol=1e-7)


def test_a_metric_that_hears_everything_passes_every_check():
    heard = listening([clip(seed) for seed in range(4)], RECIPE)
    assert heard["auc_audio"] > 0.99
    assert heard["auc_time"] > 0.95
    assert 0.4 < heard["auc_time_shuffled"] < 0.6
    assert (heard["offset_exact"], heard["offset_within_1"], heard["offset_clips"]) == (4, 4, 4)
    assert heard["health"] < 0.3


def test_a_deaf_metric_tells_time_from_the_faces_alone():
    ramp = np.arange(FRAMES_OF_A_CLIP)[:, None] * np.ones(16)
    heard = listening([clip(seed, voices=ramp) for seed in range(4)], RECIPE)
    assert heard["auc_time"] == heard["auc_time_shuffled"]
    assert heard["auc_audio"] == pytest.approx(0.5)
    assert heard["health"] == pytest.approx(1)


def test_pixels_that_wander_tell_near_frames_from_far_ones():
    assert listening([clip(0), clip(1)], RECIPE)["auc_time_pixels"] > 0.9


def test_a_single_clip_has_no_other_clips_sound():
    assert listening([clip(0)], RECIPE)["auc_time_shuffled"] is None


@pytest.mark.parametrize("shift", [-4, -1, 0, 3, 15])
def test_a_shift_is_found_with_its_sign(shift):
    assert best_lag(clip(0, shift=shift), RECIPE.spacing) == shift


def test_clips_one_frame_off_count_as_within_one():
    heard = listening([clip(0), clip(1, shift=1), clip(2, shift=-2)], RECIPE)
    assert (heard["offset_exact"], heard["offset_within_1"]) == (1, 2)


def test_a_clips_embeddings_are_those_of_its_frames(tiny):
    entry, clips = tiny.entries("test")[0], tiny.clips()
    encoders = Encoders(RECIPE.networks, RECIPE.input_px).eval()
    embedded = embed(encoders, clips, entry, RECIPE)
    picture = clips.mouth(entry, 17, RECIPE.mouth_px, RECIPE.input_px)
    with torch.no_grad():
        face = encoders.face(to_unit(picture[None]) * 2 - 1)[0].numpy()
        voice = encoders.audio(torch.from_numpy(clips.mel(entry, 17).T)[None, None])[0].numpy()
    assert len(embedded.voices) == len(embedded.faces) == FRAMES
    np.testing.assert_allclose(embedded.faces[17], face, atol=1e-5)
    np.testing.assert_allclose(embedded.voices[17], voice, atol=1e-5)
    np.testing.assert_allclose(embedded.pixels[17], picture.reshape(-1) / 255, atol=1e-6)
