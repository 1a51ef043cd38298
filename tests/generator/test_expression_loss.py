"""Facts about the expression loss: where the estimator is from, that it stays as it is, and what it teaches."""

import published_layouts as layouts
import published_renderer as renderer
import pytest
import torch
import yaml
from tiny_corpus import EXPRESSION, PAPER, tiny_settings

from tavce import weights
from tavce.cli import main
from tavce.config.generator import Renderer
from tavce.files import sha256
from tavce.generator.estimator import FrozenEstimator, load_estimator
from tavce.generator.losses import expression_loss
from tavce.generator.renderer import RendererLearner
from tavce.generator.samples import FrameDraws, FrameShape, unit_pictures
from tavce.metric.model import load_metric
from tavce.published.files import digests, identity
from tavce.records import InputError
from tavce.training.descent import take_step
from tavce.training.loop import fabric

BLOCKS = (1, 2)
STATE = layouts.numbers(renderer.estimator(4, (8, 12), BLOCKS, 4), 3)
FILE = weights.FOLDER / weights.table()["facevid2vid"].file


def settings(**losses: float) -> Renderer:
    """Return the tiny renderer with an expression loss: sizes of a made-up file, which parsing would refuse."""
    ours = tiny_settings(renderers={"ours": {"weights": losses}}).trainings["ours"]
    return ours.model_copy(update={"weights": ours.weights.model_copy(update={"expression": 5.0})})


@pytest.fixture(autouse=True)
def _file(tmp_path, monkeypatch):
    """A made-up file of face-vid2vid where a user places it."""
    monkeypatch.chdir(tmp_path)
    FILE.parent.mkdir(parents=True)
    torch.save({"he_estimator": {f"module.{name}": entry for name, entry in STATE.items()}, "epoch": 189}, FILE)


@pytest.fixture
def batch(tiny) -> dict[str, torch.Tensor]:
    draws = FrameDraws(tiny.entries("train")[:1], tiny.clips(), FrameShape(32, 27, 2, 24, 32), 0)
    return unit_pictures(torch.utils.data.default_collate([draws[number] for number in range(2)]))


def learner_of(trained, chosen: Renderer) -> RendererLearner:
    engine = fabric(chosen.training)
    learner = RendererLearner(chosen, EXPRESSION + 6, load_metric(trained.best("metric")), engine)
    for name, network in learner.networks.items():
        learner.networks[name] = engine.setup_module(network)
    for name, optimiser in learner.optimisers.items():
        learner.optimisers[name] = engine.setup_optimizers(optimiser)
    return learner


def step(learner: RendererLearner, batch: dict[str, torch.Tensor]) -> dict[str, float]:
    taken = take_step(fabric(settings().training), learner, [batch])
    return {name: float(term) for name, term in taken.items()}


def test_the_estimator_sees_what_the_published_one_does_and_gives_nothing_back_to_the_picture():
    picture = torch.rand(2, 3, 32, 32, requires_grad=True)
    seen = load_estimator(settings().networks)(picture)
    with torch.no_grad():
        expected = renderer.run_estimator(STATE, picture, BLOCKS)["expression"]
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=1e-4)
    assert not seen.requires_grad


def test_learning_leaves_the_estimator_as_it_was(trained, batch):
    learner = learner_of(trained, settings())
    estimator: FrozenEstimator = learner._estimator
    before = {name: value.clone() for name, value in estimator.state_dict().items()}
    estimator.train()
    step(learner, batch)
    torch.testing.assert_close(dict(estimator.state_dict()), before, atol=0, rtol=0)
    assert all(weight.grad is None for weight in estimator.parameters())
    assert not any(module.training for module in estimator.network.modules())


def test_the_expression_is_logged_validated_and_summed_with_its_weight_and_every_weight_learns(trained, batch):
    learner = learner_of(trained, settings())
    with torch.no_grad():
        mapped = learner.networks["renderer"].module.mapping(batch["target_window"]).expression
        expected = float(expression_loss(mapped, learner._estimator(batch["target"])))
    numbers = step(learner, batch)
    given = settings().weights.model_dump()
    assert numbers["expression"] == pytest.approx(expected, rel=1e-5)
    assert numbers["expression"] > 0
    assert numbers["loss"] == pytest.approx(sum(given[name] * numbers[name] for name in numbers.keys() - {"loss"}))
    learnt = [weight for network in learner.networks.values() for weight in network.parameters()]
    assert all(weight.grad is not None for weight in learnt)
    with torch.no_grad():
        assert learner.validate([batch])["expression"] > 0


def test_alone_it_brings_the_mappings_expression_to_what_is_seen(trained, batch):
    nothing = dict.fromkeys(("gan", "feature_matching", "l1", "mouth_l1", "correlation"), 0)
    learner = learner_of(trained, settings(**nothing).model_copy(update={"mapping_rate": 1e-2}))
    numbers = [step(learner, batch)["expression"] for _ in range(12)]
    assert numbers[-1] < numbers[0] / 2


def test_a_file_without_the_estimator_or_of_another_one_is_refused():
    networks = settings().networks
    torch.save({"he_estimator": STATE | {"fc_exp.bias": torch.zeros(45)}}, FILE)
    with pytest.raises(InputError, match=r"entry 'fc_exp.bias' is \(45,\), not \(12,\)"):
        load_estimator(networks)
    torch.save({"generator": {}}, FILE)
    with pytest.raises(InputError, match="has no entries 'he_estimator'"):
        load_estimator(networks)


def test_a_run_with_the_expression_loss_is_known_by_the_estimators_file():
    digest = sha256(FILE)
    assert identity(settings().placed_weights) == f"-{digest[:16]}"
    assert digests(settings().all_weights) == {"facevid2vid": digest}


def test_without_the_file_the_stage_says_what_to_place_and_which_settings_do_without(trained, capsys):
    FILE.unlink()
    sizes = yaml.safe_load(PAPER.read_text(encoding="utf-8"))["renderers"]["ours"]["networks"]
    networks = {name: sizes[name] for name in ("image_px", "keypoints", "estimator")}
    ours = {"networks": networks, "weights": {"expression": 5}}
    command = trained.command("renderer")
    asked = tiny_settings(renderers={"ours": ours}, synthesise={"image_px": 256})
    command[command.index("--settings") + 1] = asked.sections("renderer", "ours")
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "facevid2vid weights are missing: place sadtalker/facevid2vid_00189-model.pth.tar" in said
    assert "`start: scratch` and `weights.expression: 0` need no file" in said
