"""Facts about what the metric learns from."""

import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_corpus import FRAMES, tiny_settings

from tavce.config.learning import Metric
from tavce.dataset import Clips, Entry, to_unit
from tavce.metric.pairs import OWN_VOICE, PairDraws, changes_the_voice, far_frame, moments
from tavce.records import InputError

BLACK = np.zeros((3, 32, 32, 3), np.uint8)


def recipe(**changes: object) -> Metric:
    """Return the miniature recipe with changes."""
    return tiny_settings(metrics={"paper": changes}).metrics["paper"]


def draws(tiny, seed: int = 7, **changes: object) -> PairDraws:
    return PairDraws(tiny.entries("train"), tiny.clips(), recipe(**changes), seed)


def test_a_far_frame_is_never_nearer_than_the_distance_and_reaches_every_other_frame_alike():
    random = np.random.default_rng(0)
    drawn = Counter(far_frame(4, 12, 3, random) for _ in range(6000))
    assert sorted(drawn) == [0, 1, 7, 8, 9, 10, 11]
    assert max(abs(count - 6000 / 7) for count in drawn.values()) < 5 * np.sqrt(6000 / 7)


@pytest.mark.parametrize("frame", [0, 2, 3, 9])
def test_the_far_frames_of_every_frame_are_those_at_the_distance_or_beyond(frame):
    random = np.random.default_rng(frame)
    drawn = {far_frame(frame, 10, 3, random) for _ in range(500)}
    assert drawn == {other for other in range(10) if abs(other - frame) >= 3}


def test_a_clip_without_a_far_frame_is_refused():
    with pytest.raises(ValueError, match="no frame of 5 is 3 away from frame 2"):
        far_frame(2, 5, 3, np.random.default_rng(0))


def test_a_draw_is_the_same_whenever_and_wherever_it_is_asked_for(tiny):
    first = [draws(tiny)[number] for number in range(6)]
    second = pickle.loads(pickle.dumps(draws(tiny)))
    for number in reversed(range(6)):
        torch.testing.assert_close(second[number], first[number], atol=0, rtol=0)


def test_other_draws_and_other_seeds_give_other_samples(tiny):
    assert not torch.equal(draws(tiny)[0]["faces"], draws(tiny)[2]["faces"])
    assert not torch.equal(draws(tiny, seed=7)[0]["faces"], draws(tiny, seed=8)[0]["faces"])


def shown_frames(sample: dict[str, torch.Tensor], entry: Entry, clips: Clips, which: Metric) -> list[int]:
    """Return which frames of a clip the sample's faces are."""
    frames = [clips.mouth(entry, frame, which.mouth_px, which.input_px) for frame in range(FRAMES)]
    known = to_unit(np.stack(frames)) * 2 - 1
    return [int((known - face).flatten(1).abs().sum(dim=1).argmin()) for face in sample["faces"]]


def test_the_pair_is_the_spacing_apart_and_the_negative_face_the_distance(tiny):
    drawn, clips, which = draws(tiny), tiny.clips(), recipe()
    for number in range(12):
        entry = next(entry for entry in drawn.entries if _is_of(drawn[number], entry, clips, which))
        now, later, far = shown_frames(drawn[number], entry, clips, which)
        assert later - now == which.spacing
        assert abs(far - now) >= which.distance


def _is_of(sample, entry, clips, which) -> bool:
    windows = [clips.mel(entry, frame) for frame in range(FRAMES)]
    return any(np.array_equal(sample["mels"][0, 0].numpy().T, window) for window in windows)


def test_the_voice_of_the_pair_is_heard_at_the_moments_of_its_faces(tiny):
    drawn, clips, which = draws(tiny), tiny.clips(), recipe()
    sample = drawn[3]
    entry = next(entry for entry in drawn.entries if _is_of(sample, entry, clips, which))
    now, later, _ = shown_frames(sample, entry, clips, which)
    for mel, frame in zip(sample["mels"][:2, 0], (now, later), strict=True):
        np.testing.assert_array_equal(mel.numpy(), clips.mel(entry, frame).T)


def test_time_negatives_bring_no_other_voice(tiny):
    assert not changes_the_voice("time")
    sample = draws(tiny, negatives="time")[0]
    assert sample["mels"].shape == (2, 1, 80, 16)
    assert sample["far"].item() is True


@pytest.mark.parametrize(("negatives", "far"), [("audio", {False}), ("speaker", {False}), ("both", {True, False})])
def test_the_other_negatives_bring_one_and_say_which_negative_it_is(tiny, negatives, far):
    drawn = draws(tiny, negatives=negatives)
    assert changes_the_voice(negatives)
    assert drawn[0]["mels"].shape == (4, 1, 80, 16)
    assert {drawn[number]["far"].item() for number in range(20)} == far


@pytest.mark.parametrize(("negatives", "same_speaker"), [("audio", True), ("speaker", False)])
def test_another_voice_is_the_clips_own_or_another_speakers(tiny, negatives, same_speaker):
    drawn, clips, which = draws(tiny, negatives=negatives), tiny.clips(), recipe()
    own = drawn.entries
    for number in range(10):
        sample = drawn[number]
        other = {"mels": sample["mels"][2:]}
        speaker, stranger = (
            next(entry.speaker for entry in own if _is_of(part, entry, clips, which)) for part in (sample, other)
        )
        assert (speaker == stranger) is same_speaker


def test_a_clip_too_short_for_a_negative_is_refused_with_the_setting_to_raise(tiny):
    with pytest.raises(
        InputError, match=r"clip a0 has 40 frames, distance 38 and spacing 2 need 41: raise trim\.min_frames"
    ):
        draws(tiny, distance=38)


def test_speaker_negatives_need_two_speakers(tiny):
    with pytest.raises(InputError, match="negatives 'speaker' needs clips of two speakers"):
        PairDraws(tiny.entries("val"), tiny.clips(), recipe(negatives="speaker"), 0)


@pytest.mark.parametrize(("spacing", "distance", "shortest"), [(1, 3, 6), (1, 2, 5), (2, 4, 7), (3, 5, 9), (4, 5, 10)])
@pytest.mark.parametrize("negatives", ["time", "audio", "speaker", "both"])
def test_a_clip_is_long_enough_from_a_few_frames_more_than_the_distance(tiny, spacing, distance, shortest, negatives):
    which = recipe(negatives=negatives, spacing=spacing, distance=distance)
    long, short = (
        [replace(entry, frames=frames) for entry in tiny.entries("train")] for frames in (shortest, shortest - 1)
    )
    with pytest.raises(InputError, match=f"{shortest - 1} frames, .* need {shortest}: raise trim"):
        PairDraws(short, tiny.clips(), which, 0)
    drawn = PairDraws(long, tiny.clips(), which, 0)
    for number in range(8):
        drawn[number]


@pytest.mark.parametrize("own_voice", [False, True])
@pytest.mark.parametrize(("spacing", "distance"), [(1, 3), (2, 4), (3, 9)])
def test_moments_are_those_that_have_a_partner_and_a_negative(spacing, distance, own_voice):
    which = recipe(spacing=spacing, distance=distance)
    for frames in range(distance + spacing + 1, 3 * distance + 5):
        others = range(frames - spacing if own_voice else frames)
        expected = [now for now in range(frames - spacing) if any(abs(other - now) >= distance for other in others)]
        assert moments(frames, which, own_voice).tolist() == expected


@pytest.mark.parametrize("negatives", OWN_VOICE)
def test_every_moment_of_a_short_clip_is_drawn_alike_and_no_other(tiny, negatives, monkeypatch):
    """Of 10 frames, 3 to 5 and their partners are nearer than 5 to all others: 0, 1, 2, and 6, 7 are left."""
    which = recipe(negatives=negatives, distance=6)
    drawn = PairDraws([replace(tiny.entries("train")[0], frames=10)], tiny.clips(), which, 0)
    seen = Counter()
    monkeypatch.setattr(drawn.clips, "mouths", lambda _entry, frames, *_: seen.update(frames[:1]) or BLACK)
    for number in range(3000):
        drawn[number]
    assert sorted(seen) == [0, 1, 6, 7]
    assert max(abs(count - 3000 / 4) for count in seen.values()) < 5 * np.sqrt(3000 / 4)


def test_the_voice_of_another_speaker_is_taken_within_the_length_of_that_clip(tiny):
    one, other = tiny.entries("train")
    drawn = PairDraws([one, replace(other, frames=9, mel_steps=30)], tiny.clips(), recipe(negatives="speaker"), 0)
    known = {tiny.clips().mel(drawn.entries[1], frame).tobytes() for frame in range(9)}
    for number in range(0, 60):
        sample = drawn[number]
        voices = {mel.T.tobytes() for mel in sample["mels"][:, 0].numpy()}
        assert len(voices & known) >= 2
