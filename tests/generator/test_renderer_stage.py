"""Facts about the renderer as a stage: what it learns, what it is told, and how it renders."""

import json

import cv2
import numpy as np
import pytest
import torch
from tiny_corpus import EXPRESSION, tiny_settings

from tavce.config.generator import Renderer
from tavce.generator.model import FaceRenderer, load_renderer
from tavce.generator.pictures import CURVE, MARK, Samples, attention_strip
from tavce.generator.renderer import RendererLearner
from tavce.generator.samples import FrameDraws, FrameShape, unit_pictures
from tavce.metric.model import FrozenMetric, load_metric
from tavce.records import InputError
from tavce.training.acceleration import accelerate, laid_out
from tavce.training.descent import take_step
from tavce.training.loop import fabric

COEFFICIENTS = EXPRESSION + 6


def settings(**changes: object) -> Renderer:
    return tiny_settings(renderers={"ours": changes}).trainings["ours"]


@pytest.fixture
def metric(trained) -> FrozenMetric:
    return load_metric(trained.best("metric"))


@pytest.fixture(scope="module")
def draws(tiny) -> FrameDraws:
    return FrameDraws(tiny.entries("train")[:1], tiny.clips(), FrameShape(32, 27, 2, 24, 32), 0)


def batch(draws: FrameDraws, size: int = 4) -> dict[str, torch.Tensor]:
    return unit_pictures(torch.utils.data.default_collate([draws[number] for number in range(size)]))


def learner_of(metric: FrozenMetric, **changes: object) -> RendererLearner:
    chosen = settings(**changes)
    return RendererLearner(chosen, COEFFICIENTS, metric, fabric(chosen.training))


def train(learner: RendererLearner, samples: dict[str, torch.Tensor], steps: int) -> list[dict[str, float]]:
    engine = fabric(settings().training)
    for name, network in learner.networks.items():
        learner.networks[name] = engine.setup_module(network)
    for name, optimiser in learner.optimisers.items():
        learner.optimisers[name] = engine.setup_optimizers(optimiser)
    return [{name: float(term) for name, term in take_step(engine, learner, [samples]).items()} for _ in range(steps)]


def test_training_leaves_the_metric_as_it_was(metric, draws):
    before = {name: value.clone() for name, value in metric.state_dict().items()}
    learner = learner_of(metric)
    metric.train()
    train(learner, batch(draws), steps=3)
    torch.testing.assert_close(dict(metric.state_dict()), before, atol=0, rtol=0)
    assert all(weight.grad is None for weight in metric.parameters())


def test_every_loss_with_a_weight_is_logged_and_the_sum_is_as_weighted(metric, draws):
    numbers = train(learner_of(metric), batch(draws), steps=1)[0]
    weights = settings().weights.model_dump()
    assert numbers.keys() - {"loss"} == {"gan", "feature_matching", "l1", "mouth_l1", "correlation"}
    assert numbers["loss"] == pytest.approx(sum(weights[name] * numbers[name] for name in numbers.keys() - {"loss"}))


def test_without_a_judge_there_is_no_discriminator(metric):
    assert learner_of(metric, weights={"gan": 0, "feature_matching": 0}).networks.keys() == {"renderer"}
    assert learner_of(metric, weights={"gan": 1, "feature_matching": 0}).networks.keys() == {
        "renderer",
        "discriminator",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": "none"},
        {"attention": "volume"},
        {"attention": "warped"},
        {"weights": {"gan": 0, "feature_matching": 0}},
        {"weights": {"gan": 0}},
        {"weights": {"feature_matching": 0}},
        {"weights": {"l1": 0, "mouth_l1": 0, "correlation": 0}},
    ],
)
def test_every_weight_learns_in_every_step_whatever_the_losses(metric, draws, changes):
    """Ranks share gradients only of weights that all have: one without would end a run by several."""
    learner = learner_of(metric, **changes)
    train(learner, batch(draws), steps=1)
    weights = [weight for network in learner.networks.values() for weight in network.parameters()]
    assert all(weight.grad is not None for weight in weights)


def test_the_mapping_learns_at_a_rate_of_its_own(metric):
    learner = learner_of(metric, mapping_rate=0.5, training={"rate": 0.25})
    mapping, others = learner.optimisers["renderer"].param_groups
    assert (mapping["lr"], others["lr"]) == (0.5, 0.25)
    assert len(mapping["params"]) == len([*learner.networks["renderer"].mapping.parameters()])
    assert len(mapping["params"]) + len(others["params"]) == len([*learner.networks["renderer"].parameters()])


def test_both_optimisers_take_their_betas_from_the_settings(metric):
    optimisers = learner_of(metric, betas=[0.3, 0.9]).optimisers
    assert optimisers.keys() == {"renderer", "discriminator"}
    assert {group["betas"] for one in optimisers.values() for group in one.param_groups} == {(0.3, 0.9)}


def test_the_correlation_teaches_the_painted_frame_only_inside_its_mouth_box(metric, draws):
    learner, samples = learner_of(metric), batch(draws)
    for name in ("before", "source", "target"):
        samples[name] = samples[name].requires_grad_()
    painted = samples["target"].detach().clone().requires_grad_()
    learner._correlation(samples, painted, metric.audio_change(samples["mels"])).backward()
    assert samples["before"].grad is None
    for picture, (left, top, side) in zip(painted.grad, (samples["target_box"] * 32).tolist(), strict=True):
        box = torch.zeros(32, 32, dtype=torch.bool)
        box[int(top) : int(np.ceil(top + side)), int(left) : int(np.ceil(left + side))] = True
        assert picture[:, box].abs().max() > 0
        assert picture[:, ~box].abs().max() == 0


def test_the_correlation_loss_falls_along_its_gradient(metric, draws):
    learner, samples = learner_of(metric), batch(draws)
    painted = samples["target"].clone().requires_grad_()
    heard = metric.audio_change(samples["mels"])
    before = learner._correlation(samples, painted, heard)
    before.backward()
    with torch.no_grad():
        after = learner._correlation(samples, painted - 1e-3 * painted.grad / painted.grad.abs().max(), heard)
    assert after < before


def test_without_the_correlation_the_metric_is_never_asked(metric, draws):
    learner = learner_of(metric, attention="none", weights={"correlation": 0})
    asked = []
    metric.encoders.audio.register_forward_hook(lambda *_call: asked.append("audio"))
    metric.encoders.face.register_forward_hook(lambda *_call: asked.append("face"))
    numbers = train(learner, batch(draws), steps=1)[0]
    assert asked == []
    assert "correlation" not in numbers
    assert (
        learner.networks["renderer"]
        .state_dict()
        .keys()
        .isdisjoint({"generator.attention.project.weight", "generator.attention.linear.weight"})
    )


@pytest.mark.parametrize("place", ["features", "volume", "warped"])
def test_an_untrained_attention_changes_nothing_and_a_trained_one_does(metric, draws, place):
    model, samples = learner_of(metric, attention=place).networks["renderer"].eval(), batch(draws)
    windows = (samples["source"], samples["source_window"], samples["target_window"])
    attention = metric.attention(samples["mels"])
    with torch.no_grad():
        off = model(*windows, None).prediction
        torch.testing.assert_close(model(*windows, attention).prediction, off)
        torch.nn.init.normal_(model.generator.attention.restore.weight)
        assert (model(*windows, attention).prediction - off).abs().max() > 1e-4
        torch.testing.assert_close(model(*windows, torch.zeros_like(attention)).prediction, model(*windows, None)[0])


@pytest.mark.parametrize(("attention", "place"), [(6, "features"), (6, "volume"), (6, "warped"), (None, "none")])
def test_a_loaded_renderer_has_the_attention_it_was_trained_with(tmp_path, trained, attention, place):
    state = torch.load(trained.best("renderer"), weights_only=True)
    model = FaceRenderer(settings().networks, COEFFICIENTS, attention, place)
    state["networks"]["renderer"] = model.state_dict()
    trained_with = settings(attention=place)
    state["settings"] = json.dumps({"renderer": trained_with.model_dump(mode="json")})
    torch.save(state, tmp_path / "best.pt")
    loaded, chosen = load_renderer(tmp_path / "best.pt")
    torch.testing.assert_close(dict(loaded.state_dict()), dict(model.state_dict()), atol=0, rtol=0)
    assert not loaded.training
    assert chosen == trained_with
    if attention:
        assert loaded.generator.sizes.attention_at == place


def test_losses_without_any_weight_are_refused(metric, draws):
    nothing = dict.fromkeys(("gan", "feature_matching", "perceptual", "l1", "mouth_l1", "correlation"), 0)
    with pytest.raises(InputError, match="every loss has the weight 0"):
        train(learner_of(metric, weights=nothing), batch(draws), steps=1)


def test_the_samples_are_six_rows_of_source_target_painted_difference_and_what_was_heard(trained, tiny):
    picture = cv2.imread(str(trained.out("renderer") / "samples.png"))[..., ::-1].astype(np.int16)
    assert picture.shape == (6 * 32, 6 * 32, 3)
    source, target, painted, difference = (picture[:, k * 32 : (k + 1) * 32] for k in range(4))
    assert np.abs(np.abs(painted - target) - difference).max() <= 1
    entry, clips = tiny.entries("val")[0], tiny.clips()
    known = [clips.picture(entry, frame, 32).astype(np.int16) for frame in range(entry.frames)]
    for column in (source, target):
        for row in range(6):
            assert min(np.abs(column[row * 32 : (row + 1) * 32] - frame).max() for frame in known) == 0


def test_pictures_are_drawn_every_so_many_steps_and_their_targets_stay(trained):
    folder = trained.out("renderer") / "samples"
    assert sorted(path.name for path in folder.iterdir()) == ["step_000003.png", "step_000006.png"]
    third, sixth = (cv2.imread(str(folder / f"step_00000{step}.png")).astype(np.int16) for step in (3, 6))
    assert np.array_equal(third[:, : 2 * 32], sixth[:, : 2 * 32])
    assert np.array_equal(third[:, 4 * 32 :], sixth[:, 4 * 32 :])
    assert not np.array_equal(third[:, 2 * 32 : 3 * 32], sixth[:, 2 * 32 : 3 * 32])


def test_a_strip_shows_which_entries_of_the_attention_act_and_how_much_the_sound_changes():
    """Two entries, ten frames of 8 px: one acts in the first half, twice as strongly as the other in the second."""
    change = torch.zeros(10, 2)
    change[:5, 0], change[5:, 1] = -2, 1
    strip = attention_strip(change, 7, 40).astype(int)
    assert strip.shape == (40, 80, 3)
    assert strip[[10, 30], 4].tolist() == [[255] * 3, [0] * 3]
    assert strip[[10, 30], 74].tolist() == [[0] * 3, [255] * 3]
    assert np.array_equal(strip[:, 60][[5, 35]], [MARK] * 2)
    assert np.array_equal(strip[0, 10], CURVE)
    assert np.array_equal(strip[20, 70], CURVE)


def test_a_strip_of_silence_is_black_but_for_its_lines():
    strip = attention_strip(torch.zeros(4, 3), 0, 16)
    assert {tuple(pixel) for pixel in strip.reshape(-1, 3).tolist()} == {(0, 0, 0), MARK, CURVE}


def test_a_renderer_that_does_not_attend_has_pictures_without_a_strip(tmp_path, metric, draws):
    learner = learner_of(metric, attention=False)
    Samples(draws, metric, attends=False).draw(learner.networks["renderer"].eval(), tmp_path / "picture.png")
    assert cv2.imread(str(tmp_path / "picture.png")).shape == (6 * 32, 4 * 32, 3)


def test_the_marked_frame_is_the_draw_s_target(tiny, draws):
    for number in range(4):
        entry, target = draws.target(number)
        picture = tiny.clips().picture(entry, target, 32)
        assert np.array_equal(draws[number]["target"], picture)


def test_a_renderer_with_its_channels_last_paints_the_same_picture(metric, draws):
    model, samples = learner_of(metric).networks["renderer"].eval(), batch(draws)
    names = ("source", "source_window", "target_window")
    attention = metric.attention(samples["mels"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    training = settings(training={"channels_last": True}).training
    with torch.no_grad():
        plain = model(*(samples[name] for name in names), attention).prediction
        accelerate(model, training)
        samples = laid_out(samples, training)
        painted = model(*(samples[name] for name in names), attention).prediction
    assert samples["source"].is_contiguous(memory_format=torch.channels_last)
    assert model.generator.first.conv.weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(painted, plain, atol=1e-5, rtol=0)
    torch.testing.assert_close(dict(model.state_dict()), before, atol=0, rtol=0)
