"""Facts about what a metric makes of a clip."""

import numpy as np
import pytest
import torch
from tiny_corpus import FRAMES, tiny_settings

from tavce.dataset import to_unit
from tavce.faces.points import mouth_opening
from tavce.metric import embedding
from tavce.metric.embedding import changes, embed, pixel_change
from tavce.metric.model import Encoders

RECIPE = tiny_settings().metrics["paper"]


def test_a_clips_embeddings_are_those_of_its_frames(tiny):
    entry, clips = tiny.entries("test")[0], tiny.clips()
    encoders = Encoders(RECIPE.networks, RECIPE.input_px).eval()
    embedded = embed(encoders, clips, entry, RECIPE)
    pictures = [clips.mouth(entry, frame, RECIPE.mouth_px, RECIPE.input_px) for frame in range(FRAMES)]
    with torch.no_grad():
        face = encoders.face(to_unit(pictures[17][None]) * 2 - 1)[0].numpy()
        voice = encoders.audio(torch.from_numpy(clips.mel(entry, 17).T)[None, None])[0].numpy()
    assert len(embedded.voices) == embedded.frames == FRAMES
    np.testing.assert_allclose(embedded.faces[17], face, atol=1e-5)
    np.testing.assert_allclose(embedded.voices[17], voice, atol=1e-5)
    np.testing.assert_allclose(embedded.sound[17], clips.mel(entry, 17).mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(embedded.opening, mouth_opening(clips.landmarks(entry)))
    apart = np.linalg.norm(pictures[3] / 255 - pictures[30] / 255)
    assert embedded.pixel_change[3, 30] == pytest.approx(apart, rel=1e-5)


def test_of_a_long_clip_the_first_frames_are_embedded(tiny, monkeypatch):
    monkeypatch.setattr(embedding, "FRAMES", 11)
    monkeypatch.setattr(embedding, "CHUNK", 4)
    entry, encoders = tiny.entries("test")[0], Encoders(RECIPE.networks, RECIPE.input_px).eval()
    few = embed(encoders, tiny.clips(), entry, RECIPE)
    assert {len(value) for value in vars(few).values()} == {11}


def test_the_change_of_pixels_is_that_of_pictures_made_small():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    small = pictures.reshape(3, 48, 2, 48, 2, 3).mean(axis=(2, 4)) / 255
    expected = np.linalg.norm((small[:, None] - small).reshape(3, 3, -1), axis=2)
    np.testing.assert_allclose(pixel_change(pictures), expected, atol=0.1)
    assert np.diag(pixel_change(pictures)).max() == 0


def test_a_change_runs_from_the_earlier_frame_to_the_later_one():
    np.testing.assert_array_equal(changes(np.array([[1], [2], [4], [8]]), 2), [[3], [6]])
