"""Facts about a portrait that talks: every frame from its own sound and coefficients, made as it is asked for."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from tiny_corpus import EXPRESSION, FRAMES, tiny_settings

from tavce.generator import streams
from tavce.generator.bundle import Bundle, part
from tavce.generator.samples import mel_windows, motion_window
from tavce.generator.talking import (
    Manner,
    Portrait,
    Speech,
    TalkingNetworks,
    assemble,
    networks_of,
    synthetic_note,
    talk,
)
from tavce.records import InputError
from tavce.training import checkpoint

CPU = torch.device("cpu")
STAGES = ("renderer", "audio2exp", "audio2pose", "metric")
MANNER = Manner(pose="predicted", style=0, seed=7, expression_frames=10, batch=16)


@pytest.fixture(scope="module")
def states(trained) -> dict[str, dict]:
    return {stage: checkpoint.load(trained.best(stage)) for stage in STAGES}


@pytest.fixture(scope="module")
def networks(states) -> TalkingNetworks:
    return assemble("ours", states, CPU)


@pytest.fixture(scope="module")
def portrait(tiny) -> Portrait:
    clips, entry = tiny.clips(), tiny.entries("test")[0]
    return Portrait(clips.picture(entry, 0, 32), clips.motion(entry)[0], 0.3)


@pytest.fixture(scope="module")
def speech(tiny) -> Speech:
    return Speech(tiny.clips().spectrogram(tiny.entries("test")[0]), FRAMES, tiny_settings().window)


def made(networks, portrait, speech, **changes) -> np.ndarray:
    return np.concatenate([*talk(networks, portrait, speech, dataclasses.replace(MANNER, **changes))])


def test_a_speech_has_the_mel_windows_of_its_clip(tiny, speech):
    frames = [0, 1, 17, FRAMES - 1]
    expected = mel_windows(tiny.clips(), tiny.entries("test")[0], frames)
    torch.testing.assert_close(speech.windows(frames), expected, atol=0, rtol=0)
    assert [*speech.chunks(16)] == [range(16), range(16, 32), range(32, 40)]


def test_windows_around_rows_repeat_the_ends():
    rows = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    windows = [*streams.centred_windows(iter(torch.from_numpy(rows)), 27)]
    assert len(windows) == 9
    for number, window in enumerate(windows):
        torch.testing.assert_close(window, motion_window(rows, number, 27), atol=0, rtol=0)
    assert [*streams.centred_windows(iter(()), 27)] == []


def test_only_what_lies_within_half_a_window_is_looked_ahead_at():
    asked = []
    rows = (asked.append(number) or torch.tensor([float(number)]) for number in range(1000))
    next(streams.centred_windows(rows, 27))
    assert len(asked) == 14


def test_the_expression_of_a_frame_comes_from_its_own_sound_and_eye_opening(networks, speech):
    reference, blink = torch.rand(EXPRESSION), torch.rand(FRAMES, 1)
    with torch.no_grad():
        said = torch.stack([*streams.expressions(networks.audio2exp, speech, reference, blink, 7)])
        alone = networks.audio2exp(speech.windows([23])[None], reference[None, None], blink[None, 23:24])[0]
    assert said.shape == (FRAMES, EXPRESSION)
    torch.testing.assert_close(said[23:24], alone, atol=1e-5, rtol=1e-5)


def test_poses_are_those_of_the_sequence_of_all_frames(networks, speech):
    first = torch.rand(6)
    expected = networks.audio2pose.sequence(speech.windows(range(FRAMES)), first, 1, 5)
    with torch.no_grad():
        moved = torch.stack([*streams.poses(networks.audio2pose, speech, first, 1, 5)])
    torch.testing.assert_close(moved, expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(moved[0], first, atol=0, rtol=0)


def test_the_attention_is_of_the_change_since_the_spacing_before_and_off_where_there_is_no_such_frame(
    networks, speech, monkeypatch
):
    with torch.no_grad():
        attention = torch.stack([*streams.attentions(networks.metric, speech, CPU)])
        mels = speech.windows(range(FRAMES))
        expected = networks.metric.attention(torch.stack([mels[:-2], mels[2:]], dim=1))
        assert attention[:2].abs().max() == 0
        torch.testing.assert_close(attention[2:], expected, atol=1e-4, rtol=0)
        for frames in (1, 3):
            monkeypatch.setattr(streams, "HEARD_FRAMES", frames)
            chunked = torch.stack([*streams.attentions(networks.metric, speech, CPU)])
            torch.testing.assert_close(chunked, attention, atol=1e-4, rtol=0)


def test_where_the_sound_stays_the_same_the_attention_is_exactly_zero(networks):
    mel = np.random.default_rng(0).normal(size=(1, 80)).astype(np.float32).repeat(128, axis=0)
    with torch.no_grad():
        attention = [*streams.attentions(networks.metric, Speech(mel, FRAMES, tiny_settings().window), CPU)]
    assert torch.stack(attention).abs().max() == 0


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_frames_do_not_depend_on_how_many_are_rendered_at_once(networks, portrait, speech, batch):
    frames = made(networks, portrait, speech)
    assert frames.shape == (FRAMES, 32, 32, 3)
    assert frames.dtype == np.uint8
    assert np.abs(made(networks, portrait, speech, batch=batch).astype(int) - frames).max() <= 1


def test_frames_come_in_batches_and_the_last_is_what_is_left(networks, portrait, speech):
    batches = talk(networks, portrait, speech, dataclasses.replace(MANNER, batch=16))
    assert [len(batch) for batch in batches] == [16, 16, 8]


def test_frames_are_what_the_renderer_makes_of_the_coefficients_around_them(networks, portrait, speech):
    own = torch.from_numpy(portrait.coefficients)
    with torch.no_grad():
        blink = torch.full((FRAMES, 1), portrait.blink)
        said = torch.stack([*streams.expressions(networks.audio2exp, speech, own[:-6], blink, 10)])
        motion = torch.cat([said, own[-6:].expand(FRAMES, 6)], dim=1).numpy()
        mels = speech.windows([18, 20])
        source = torch.from_numpy(portrait.picture.transpose(2, 0, 1) / np.float32(255))[None]
        windows = (own[:, None].expand(-1, 27)[None], motion_window(motion, 20, 27)[None])
        painted = networks.renderer(source, *windows, networks.metric.attention(mels[None])).prediction[0]
    frame = made(networks, portrait, speech, pose="still")[20]
    assert np.abs(frame - 255 * painted.permute(1, 2, 0).numpy()).max() <= 0.51


def test_another_seed_moves_the_head_otherwise(networks, portrait, speech):
    assert (made(networks, portrait, speech, seed=8) != made(networks, portrait, speech)).any()


def test_eyes_that_are_told_to_be_as_open_as_the_portraits_change_nothing_and_others_do(networks, portrait, speech):
    frames = made(networks, portrait, speech)
    own = np.full(FRAMES, portrait.blink, np.float32)
    np.testing.assert_array_equal(made(networks, portrait, speech, blink=own), frames)
    assert (made(networks, portrait, speech, blink=10 * own) != frames).any()


def test_a_speech_of_one_frame_is_one_frame(networks, portrait, speech):
    alone = dataclasses.replace(speech, frames=1)
    assert made(networks, portrait, alone).shape == (1, 32, 32, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"portrait": {"picture": np.zeros((16, 32, 3), np.uint8)}}, r"a portrait of \[16, 32, 3\] does not fit"),
        (
            {"portrait": {"coefficients": np.zeros(9, np.float32)}},
            "the portrait has 9 coefficients, the renderer takes 14",
        ),
        ({"speech": {"frames": 0}}, "the speech has no frame"),
        ({"manner": {"style": 2}}, "style 2 is none of the model's 2: choose 0 to 1"),
        ({"manner": {"blink": np.zeros(3, np.float32)}}, "blink says 3 frames, the speech has 40"),
    ],
)
def test_what_does_not_fit_the_networks_is_refused_before_anything_is_made(networks, portrait, speech, changes, words):
    given = {"portrait": portrait, "speech": speech, "manner": MANNER}
    given = {name: dataclasses.replace(value, **changes.get(name, {})) for name, value in given.items()}
    with pytest.raises(InputError, match=words):
        talk(networks, **given)


def test_a_bundle_talks_as_its_checkpoints_do(states, networks, portrait, speech):
    parts = {stage: part(state) for stage, state in states.items()}
    packed = networks_of(Bundle("ours", "{}", parts, None, {}), CPU)
    np.testing.assert_array_equal(made(packed, portrait, speech), made(networks, portrait, speech))
    assert not any(network.training for network in (packed.renderer, packed.audio2exp, packed.audio2pose))


def test_a_renderer_that_attends_needs_the_metric_and_one_that_does_not_has_none(states):
    without = {stage: state for stage, state in states.items() if stage != "metric"}
    with pytest.raises(InputError, match=r"model ours attends to the correlation: give the metric's best\.pt"):
        networks_of(Bundle("ours", "{}", without, None, {}), CPU)
    settings = json.loads(states["renderer"]["settings"])
    settings["renderer"]["attention"] = "none"
    weights = states["renderer"]["networks"]["renderer"]
    kept = {name: weight for name, weight in weights.items() if not name.startswith("generator.attention")}
    deaf = {**states["renderer"], "settings": json.dumps(settings), "networks": {"renderer": kept}}
    assert assemble("deaf", {**states, "renderer": deaf}, CPU).metric is None


def test_the_note_of_a_made_video_says_that_it_is_synthetic_and_what_made_it():
    assert synthetic_note("ours", "0123", "4567") == "synthetic: ours 0123, settings 4567"
