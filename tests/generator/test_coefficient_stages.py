"""Facts about audio2exp and audio2pose as stages: what they learn, and what they make of a clip."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.signal import savgol_filter
from tiny_corpus import EXPRESSION, FRAMES, tiny_settings
from tiny_runs import LEARNING

from tavce.files import read_json
from tavce.generator.audio2exp import ExpressionLearner, FrontalFace
from tavce.generator.audio2pose import PoseLearner, divergence, movement_scale, style_classes
from tavce.generator.coefficients import MOST_GAIN, RETURN_FRAMES, PoseModel, load_audio2exp, load_audio2pose
from tavce.generator.losses import eye_opening
from tavce.generator.samples import ExpressionDraws, PoseDraws, mel_windows
from tavce.training.descent import take_step
from tavce.training.loop import fabric

FIRST = torch.tensor([0.1, -0.2, 0.05, 0.02, 0.01, -0.8])


def train(learner, draws, steps: int, batch: int = 8) -> list[dict[str, float]]:
    """Train without the loop, on 24 draws over and over; return the numbers of every step."""
    engine = fabric(tiny_settings().audio2exp.training)
    for name, network in learner.networks.items():
        learner.networks[name] = engine.setup_module(network)
    for name, optimiser in learner.optimisers.items():
        learner.optimisers[name] = engine.setup_optimizers(optimiser)
    numbers, samples = [], [draws[number] for number in range(24)]
    for step in range(steps):
        chosen = [samples[(step * batch + number) % 24] for number in range(batch)]
        terms = take_step(engine, learner, [torch.utils.data.default_collate(chosen)])
        numbers.append({name: float(value) for name, value in terms.items()})
    return numbers


@pytest.fixture(scope="module")
def pose_model(trained) -> PoseModel:
    return load_audio2pose(trained.best("audio2pose"))


@pytest.fixture(scope="module")
def mels(tiny) -> torch.Tensor:
    """The mel windows of a whole clip: 40 frames, two and a half windows of the network."""
    return mel_windows(tiny.clips(), tiny.entries("test")[0], range(FRAMES))


def test_the_frontal_face_is_the_basis_own_linear_map(tiny):
    motion = tiny.clips().motion(tiny.entries()[0])[:3]
    flat = motion[:, :EXPRESSION] * tiny.basis.scale @ tiny.basis.components + tiny.basis.mean
    points = FrontalFace(tiny.basis)(torch.from_numpy(motion[:, :EXPRESSION]))
    np.testing.assert_allclose(points.flatten(1), flat, atol=1e-5)


def test_a_prediction_of_the_truth_has_no_loss_but_that_of_the_lids(tiny):
    settings = tiny_settings().audio2exp
    learner = ExpressionLearner(settings, tiny.basis)
    draws = ExpressionDraws(tiny.entries("train"), tiny.clips(), settings.frames, 0)
    batch = torch.utils.data.default_collate([draws[0], draws[1]])
    learner.networks["audio2exp"] = lambda *_inputs: batch["expression"]
    terms, (predicted, true) = learner._terms(batch)
    assert terms["coefficients"] == terms["landmarks"] == 0
    torch.testing.assert_close(terms["loss"], 4 * terms["blink"])
    torch.testing.assert_close(predicted, true)


def test_the_landmark_loss_is_in_px_of_a_crop_whose_eyes_are_a_quarter_apart(tiny):
    settings = tiny_settings().audio2exp
    learner = ExpressionLearner(settings, tiny.basis)
    draws = ExpressionDraws(tiny.entries("train"), tiny.clips(), settings.frames, 0)
    batch = torch.utils.data.default_collate([draws[0], draws[1]])
    learner.networks["audio2exp"] = lambda *_inputs: batch["expression"] + torch.eye(EXPRESSION)[0]
    terms, _ = learner._terms(batch)
    moved = tiny.basis.scale * tiny.basis.components[0].reshape(68, 2)
    assert terms["coefficients"].item() == pytest.approx(1 / EXPRESSION)
    assert terms["landmarks"].item() == pytest.approx(64 * np.linalg.norm(moved, axis=1).mean(), rel=1e-4)


def test_lids_that_are_as_open_as_asked_have_no_blink_loss_and_any_gap_counts_as_it_is(tiny):
    settings = tiny_settings().audio2exp
    learner = ExpressionLearner(settings, tiny.basis)
    expression = torch.randn(2, 5, EXPRESSION)
    learner.networks["audio2exp"] = lambda *_inputs: expression
    opening = eye_opening(FrontalFace(tiny.basis)(expression)).unsqueeze(-1)
    batch = {"mels": None, "reference": None, "expression": expression}
    assert learner._terms({**batch, "blink": opening})[0]["loss"].item() == 0
    assert learner._terms({**batch, "blink": opening + 0.1})[0]["blink"].item() == pytest.approx(0.1)


def test_a_code_that_says_nothing_costs_nothing_and_others_cost_by_the_number_of_the_window():
    movement, nought = torch.zeros(3, 16, 6), torch.zeros(3, 5)
    assert divergence(nought, nought, movement).item() == 0
    assert divergence(nought + 2, nought, movement).item() == pytest.approx(5 * 2 / (16 * 6))


def test_a_loaded_audio2exp_is_the_one_that_was_saved(trained):
    network = load_audio2exp(trained.best("audio2exp"))
    torch.testing.assert_close(dict(network.state_dict()), trained.networks("audio2exp")["audio2exp"], atol=0, rtol=0)
    assert not network.training


def test_styles_go_round_the_speakers_in_order_of_name(tiny):
    assert style_classes(tiny.entries(), 3) == {"ann": 0, "bob": 1, "cid": 2, "dot": 0, "eve": 1}
    assert style_classes(tiny.entries()[::-1], 3) == style_classes(tiny.entries(), 3)


def test_the_styles_are_in_the_lineage_of_the_run(trained):
    assert read_json(trained.out("audio2pose") / "run.json")["styles"] == {"ann": 0, "bob": 1}


def test_the_movement_scale_is_the_spread_within_windows(tiny):
    poses = [tiny.clips().motion(entry)[:, EXPRESSION:] for entry in tiny.entries("train")]
    moves = [pose[start : start + 16] - pose[start] for pose in poses for start in (0, 16)]
    scale = movement_scale(tiny.clips(), tiny.entries("train"), 16)
    np.testing.assert_allclose(scale, np.concatenate(moves).std(axis=0), rtol=1e-6)


def test_the_movement_a_pose_model_learns_is_relative_and_in_units_of_its_spread(tiny):
    settings = tiny_settings().audio2pose
    scale = movement_scale(tiny.clips(), tiny.entries("train"), settings.frames)
    draws = PoseDraws(tiny.entries("train"), tiny.clips(), {}, settings.frames, 0)
    batch = torch.utils.data.default_collate([draws[0], draws[1]])
    movement, *_ = PoseModel(settings, scale)(batch["mels"], batch["pose"], batch["style"])
    expected = (batch["pose"] - batch["pose"][:, :1]) / torch.from_numpy(scale)
    torch.testing.assert_close(movement, expected)
    assert movement[:, 0].abs().max() == 0


def test_a_discriminators_step_leaves_the_pose_model_to_its_own_optimiser(tiny):
    settings = tiny_settings(audio2pose={"gan_weight": 0, "regression_weight": 1, "kl_weight": 0}).audio2pose
    draws = PoseDraws(tiny.entries("train"), tiny.clips(), {}, settings.frames, 0)
    learner = PoseLearner(settings, np.ones(6, np.float32))
    train(learner, draws, steps=1, batch=4)
    judged = [weight.grad for weight in learner.networks["discriminator"].parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in judged)


def test_a_sequence_has_a_pose_for_every_frame_and_starts_at_the_portraits(pose_model, mels):
    poses = pose_model.sequence(mels, FIRST, 0, 1)
    assert poses.shape == (FRAMES, 6)
    torch.testing.assert_close(poses[0], FIRST)


@pytest.mark.parametrize("frames", [1, 2, 16, 17, 31, 32])
def test_a_sequence_of_any_length_is_the_start_of_a_longer_one(pose_model, mels, frames):
    poses = pose_model.sequence(mels[:frames], FIRST, 0, 1)
    assert len(poses) == frames
    whole_windows = 1 + 15 * ((frames - 1) // 15)
    longer = pose_model.sequence(mels, FIRST, 0, 1)
    torch.testing.assert_close(poses[:whole_windows], longer[:whole_windows], atol=1e-5, rtol=0)


def test_nothing_jumps_between_windows(pose_model, mels):
    poses = pose_model.sequence(mels, FIRST, 0, 1)
    steps = (poses[1:] - poses[:-1]).norm(dim=1)
    seams = [15, 30]  # a window starts at the last pose of the one before
    inside = [step for step in range(FRAMES - 1) if step not in seams]
    assert steps[seams].max() <= steps[inside].max() * 1.5


def test_every_window_moves_as_it_is_drawn_while_what_the_head_is_away_fades(pose_model, mels):
    poses = pose_model.sequence(mels, FIRST, 1, 2)
    codes = torch.randn(2, 1, 5, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        heard = pose_model.hear(mels[None, 15:31])
        moved = pose_model.draw(poses[15:16], heard, torch.tensor([1]), codes[1])[0] * pose_model.gain
    away = (poses[15] - FIRST) * torch.exp(-torch.arange(16) / RETURN_FRAMES)[:, None]
    torch.testing.assert_close(poses[15:31], FIRST + away + moved * pose_model.scale, atol=1e-5, rtol=0)


def test_what_is_drawn_is_smoothed_and_begins_where_it_is(pose_model, mels):
    heard, style, code = pose_model.hear(mels[None, :16]), torch.tensor([1]), torch.randn(1, 5)
    with torch.no_grad():
        rough = pose_model.cvae.sample(FIRST[None], heard, style, code)[0]
        smooth = pose_model.draw(FIRST[None], heard, style, code)[0]
    expected = savgol_filter(rough, 13, 2, axis=0)
    np.testing.assert_allclose(smooth, expected - expected[0], atol=1e-5)


def test_the_gain_gives_drawn_movement_the_spread_of_the_training_clips_up_to_a_limit(pose_model):
    model, spread = deepcopy(pose_model), torch.tensor([1.0, 2, 3, 4, 5, 6])
    model.scale.fill_(2)
    drawn = torch.randn(50, 16, 6) * torch.tensor([0.5, 0.5, 0.5, 0.5, 0.5, 1e-3])
    found = model.calibrate(drawn, spread)
    made = drawn[:, 1:] * model.gain * model.scale
    torch.testing.assert_close(made.flatten(0, 1).std(dim=0)[:5], spread[:5], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[:5], 1 / model.gain[:5])
    assert model.gain[5] == MOST_GAIN


def test_a_head_that_always_turns_the_same_way_stays_in_the_picture_for_minutes(pose_model, mels):
    turning = deepcopy(pose_model)
    with torch.no_grad():
        turning.scale.fill_(1)
        turning.cvae.decoder.unet = torch.nn.Identity()
        turning.cvae.decoder.sequence.weight.zero_()
        turning.cvae.decoder.sequence.bias.copy_(torch.linspace(-4, 4, 16).repeat_interleave(6))
        turning.cvae.decoder.pose.weight.copy_(torch.eye(6))
        turning.gain.fill_(1)
        poses = turning.sequence(mels[:1].expand(3000, -1, -1, -1), FIRST, 0, 1)
    turned = (poses[15] - FIRST).max()
    assert turned > 0.9
    assert (poses - FIRST).max() < turned * (1 + 1 / (1 - np.exp(-15 / RETURN_FRAMES)))  # 3.1; 192 if nothing faded


def test_another_seed_and_another_style_move_the_head_otherwise(pose_model, mels):
    poses = pose_model.sequence(mels, FIRST, 0, 1)
    torch.testing.assert_close(pose_model.sequence(mels, FIRST, 0, 1), poses, atol=0, rtol=0)
    assert not torch.allclose(pose_model.sequence(mels, FIRST, 0, 2), poses, atol=1e-5)
    assert not torch.allclose(pose_model.sequence(mels, FIRST, 1, 1), poses, atol=1e-5)


def test_a_loaded_pose_model_keeps_its_training_sets_scale(pose_model, tiny):
    scale = movement_scale(tiny.clips(), tiny.entries("train"), 16)
    np.testing.assert_array_equal(pose_model.scale, scale)
    assert not pose_model.training


def test_every_stage_logs_its_losses_by_step(trained):
    for stage in LEARNING:
        history = trained.history(stage)
        assert [line["step"] for line in history if "loss" in line] == [*range(1, 9)], stage
        assert [line["step"] for line in history if "loss" not in line] == [4, 8], stage
