"""Facts about SyncNet's scores: the published definitions by value, then the whole way with made-up weights."""

import hashlib

import numpy as np
import pytest
import torch

from tavce import weights
from tavce.faces.mfcc import mfcc
from tavce.faces.syncnet import (
    FEWEST_FRAMES,
    OFFSETS,
    NotMeasured,
    SyncNet,
    SyncScore,
    open_syncnet,
    score_of,
    shift_distances,
)
from tavce.networks.syncnet import SyncNetStreams
from tavce.records import InputError


@pytest.fixture(scope="module")
def streams() -> SyncNetStreams:
    """The networks with weights from a seed."""
    torch.manual_seed(7)
    return SyncNetStreams()


def embeddings(windows: int) -> np.ndarray:
    return np.random.default_rng(11).normal(size=(windows, 1024)).astype(np.float32)


@pytest.mark.parametrize("early", [-15, -4, 0, 1, 15])
def test_the_offset_is_by_how_many_frames_the_audio_is_early(early):
    both = embeddings(80)
    lips, sound = both[20:60], both[20 + early : 60 + early]  # what is seen in window i is heard in window i - early
    score = score_of(lips, sound)
    assert score.offset_frames == early
    unpaired = (
        np.linalg.norm(lips[: max(early, 0)], axis=1).sum() + np.linalg.norm(lips[40 + min(early, 0) :], axis=1).sum()
    )
    assert score.distance == pytest.approx(unpaired / 40, rel=1e-6)


def test_distances_are_those_of_a_plain_loop():
    lips, sound = embeddings(46)[:23], embeddings(46)[23:]
    expected = []
    for offset in OFFSETS:
        partners = [sound[i - offset] if 0 <= i - offset < 23 else 0 * sound[0] for i in range(23)]
        expected.append(np.mean([np.linalg.norm(lips[i] - partners[i]) for i in range(23)]))
    np.testing.assert_allclose(shift_distances(lips, sound), expected, rtol=1e-6)
    score = score_of(lips, sound)
    best = int(np.argmin(expected))
    assert score.distance == pytest.approx(expected[best], rel=1e-6)
    assert score.confidence == pytest.approx(sorted(expected)[15] - expected[best], rel=1e-5)
    assert score.offset_frames == 15 - best


def test_of_equal_distances_the_offset_nearest_to_zero_counts():
    lips, nothing = np.full((40, 1024), 2, np.float32), np.zeros((40, 1024), np.float32)
    assert score_of(lips, nothing) == SyncScore(0, 64, 0)


@pytest.mark.slow
def test_a_clip_is_scored_as_window_by_window(streams):
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (24, 224, 224, 3), np.uint8)
    samples = rng.integers(-9000, 9000, 23 * 640 + 639, np.int16)  # 23 whole frames of sound
    cepstra = torch.from_numpy(mfcc(samples)).T
    pictures = torch.from_numpy(frames[..., ::-1].copy()).float().permute(3, 0, 1, 2)
    lips = [streams.lips(pictures[None, :, i : i + 5])[0, 0].numpy() for i in range(18)]
    sound = [streams.sound(cepstra[None, None, :, 4 * i : 4 * i + 20])[0].numpy() for i in range(18)]
    expected = score_of(np.stack(lips), np.stack(sound))
    syncnet = SyncNet(streams, "cpu")
    score = syncnet.score(iter(frames), samples)
    assert score.distance == pytest.approx(expected.distance, rel=1e-4)
    assert score.confidence == pytest.approx(expected.confidence, abs=1e-3)
    assert score.offset_frames == expected.offset_frames
    assert syncnet.score(iter(frames), samples.astype(np.float32) / 32768) == score


@pytest.mark.slow
def test_pictures_of_another_size_are_brought_to_224(streams):
    syncnet, samples = SyncNet(streams, "cpu"), np.zeros(FEWEST_FRAMES * 640, np.int16)
    plain = np.tile(np.array([90, 60, 30], np.uint8), (FEWEST_FRAMES, 224, 224, 1))
    score = syncnet.score(plain, samples)
    for frames in (plain[:, ::2, ::2], plain.repeat(2, axis=1).repeat(2, axis=2)):
        assert syncnet.score(frames, samples).distance == pytest.approx(score.distance, rel=1e-6)


@pytest.mark.parametrize(("frames", "samples"), [(40, 21 * 640 - 1), (20, 40 * 640), (3, 40 * 640)])
def test_a_clip_too_short_for_every_shift_is_not_measured(streams, frames, samples):
    pictures = (np.zeros((224, 224, 3), np.uint8) for _ in range(frames))
    score = SyncNet(streams, "cpu").score(pictures, np.zeros(samples, np.int16))
    assert score == NotMeasured("fewer than 21 frames have both picture and sound")


def test_a_wave_with_channels_is_refused(streams):
    with pytest.raises(ValueError, match=r"a wave of shape \(2, 640\): give mono"):
        SyncNet(streams, "cpu").score([], np.zeros((2, 640), np.int16))


def test_without_its_file_there_is_no_syncnet(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert open_syncnet() is None


def test_another_file_in_its_place_is_refused(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    weights.FOLDER.mkdir(parents=True)
    (weights.FOLDER / "syncnet_v2.model").write_bytes(b"not found")
    with pytest.raises(InputError, match=r"syncnet_v2.model is not the published syncnet_v2"):
        open_syncnet()


def test_placed_weights_are_opened(monkeypatch, tmp_path, streams):
    monkeypatch.chdir(tmp_path)
    weights.FOLDER.mkdir(parents=True)
    path = weights.FOLDER / "syncnet_v2.model"
    torch.save(streams.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = weights.table()["syncnet_v2"].model_copy(update={"sha256": digest})
    monkeypatch.setattr(weights, "table", lambda: {"syncnet_v2": entry})
    cepstra = torch.ones(1, 1, 13, 20)
    assert torch.equal(open_syncnet()._streams.sound(cepstra), streams.sound(cepstra))
