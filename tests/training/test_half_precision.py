"""Facts about the metric in `bf16-mixed`: networks in half precision, losses in single, and to the bit when resumed."""

import signal

import pytest
import torch
from test_killed_commands import wait_for_checkpoint
from tiny_corpus import tiny_settings
from tiny_runs import workplace

from tavce.cli import main
from tavce.metric.pairs import PairDraws
from tavce.metric.train import MetricLearner
from tavce.training.loop import fabric

HALF = {"metrics": {"paper": {"training": {"precision": "bf16-mixed"}}}}


def test_networks_are_in_half_precision_and_losses_are_those_of_their_embeddings_in_single(tiny):
    recipe = tiny_settings(**HALF).metrics["paper"]
    engine = fabric(recipe.training)
    learner = MetricLearner(recipe, engine)
    seen = []
    encoders = learner.networks["encoders"]
    encoders.face.blocks[0].register_forward_hook(lambda _layer, _inputs, output: seen.append(output.dtype))
    learner.networks["encoders"] = engine.setup_module(encoders)
    learner.networks["encoders"].register_forward_hook(lambda _net, _inputs, outputs: seen.append(outputs))
    draws = PairDraws(tiny.entries("train"), tiny.clips(), recipe, 0)
    terms, _ = learner.terms(torch.utils.data.default_collate([draws[number] for number in range(4)]))
    block, (voices, faces) = seen
    assert block == torch.bfloat16
    voice, face = ((pair[:, 1] - pair[:, 0]).double() for pair in (voices, faces))
    expected = 1 - torch.cosine_similarity(voice, face).square().mean()
    assert terms["positive"].dtype == torch.float32
    assert terms["positive"].item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.slow
def test_the_metric_trains_to_its_end_and_killed_and_started_again_to_the_same_weights(
    tmp_path, tiny, mlflow_template, trained, monkeypatch
):
    whole, killed = (workplace(tmp_path / name, tiny, mlflow_template, **HALF) for name in ("whole", "killed"))
    process = killed.start(killed.command("metric"))
    wait_for_checkpoint(killed.out("metric") / "last.ckpt", process)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert killed.run(killed.command("metric")) == 0
    assert "resumed at step" in killed.log
    monkeypatch.setenv("MLFLOW_TRACKING_URI", whole.environment["MLFLOW_TRACKING_URI"])
    assert main(whole.command("metric")) == 0
    torch.testing.assert_close(killed.networks("metric"), whole.networks("metric"), atol=0, rtol=0)
    assert killed.history("metric") == whole.history("metric")
    first, single = (place.history("metric")[0]["loss"] for place in (whole, trained))
    assert first != single
    assert first == pytest.approx(single, abs=0.1)
