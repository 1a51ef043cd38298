"""Facts about the metric as a stage, and as the generator uses it."""

import json

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from tiny_corpus import tiny_settings
from tiny_runs import Workplace, workplace

from tavce import weights
from tavce.cli import main
from tavce.dataset import index_digest
from tavce.files import read_json
from tavce.generator.samples import mel_windows
from tavce.metric.model import load_metric
from tavce.metric.pairs import PairDraws
from tavce.metric.train import MetricLearner, asked
from tavce.records import InputError
from tavce.training.loop import fabric


@pytest.fixture(scope="module")
def metric(trained: Workplace):
    return load_metric(trained.best("metric"))


def batch(tiny, **changes: object) -> tuple[MetricLearner, dict[str, torch.Tensor]]:
    """Return a learner of a changed recipe, and four draws."""
    recipe = tiny_settings(metrics={"paper": changes}).metrics["paper"]
    draws = PairDraws(tiny.entries("train"), tiny.clips(), recipe, 0)
    return MetricLearner(recipe, fabric(recipe.training)), torch.utils.data.default_collate(
        [draws[number] for number in range(4)]
    )


def test_the_run_has_losses_similarities_and_areas_and_its_pictures(trained):
    folder = trained.out("metric")
    numbers = read_json(folder / "run.json")["metrics"]
    assert numbers["similarity"] == pytest.approx(1 - numbers["positive"])
    for name in ("auc_time", "auc_audio", "still", "similarity_negative"):
        assert 0 <= numbers[name] <= 1, name
    assert cv2.imread(str(folder / "similarities.png")).std() > 10
    assert not (folder / "rebuilt.png").exists()
    logged = trained.history("metric")
    assert {"similarity", "similarity_negative", "still"} <= logged[0].keys()
    assert any("val_auc_audio" in line for line in logged)


@pytest.mark.slow
def test_with_a_reconstruction_there_is_a_picture_and_the_run_says_what_judged_it(tiny, tmp_path, mlflow_template):
    changes = {"metrics": {"paper": {"reconstruction_weight": 1, "training": {"epochs": 1, "repeats": 2}}}}
    place = workplace(tmp_path, tiny, mlflow_template, **changes)
    assert place.run(place.command("metric")) == 0
    picture = cv2.imread(str(place.out("metric") / "rebuilt.png"))
    assert picture.shape == (4 * 32, 4 * 32, 3)  # four samples: now, later, and both rebuilt
    now = to_now(tiny, place.settings.metrics["paper"])
    np.testing.assert_allclose(picture[:32, :32, ::-1], now, atol=1)
    run = read_json(place.out("metric") / "run.json")
    assert run["settings"]["metric"]["perceptual"] == "mobilenetv2"
    assert run["weights"]["mobilenetv2"].startswith(weights.table()["mobilenetv2"].sha256)
    assert run["index_digest"] == index_digest([tiny.index])


def to_now(tiny, recipe) -> np.ndarray:
    """Return the first validation draw's earlier mouth, RGB."""
    draws = PairDraws(tiny.entries("val"), tiny.clips(), asked(recipe, tiny.entries("val")), recipe.training.seed + 1)
    return ((draws[0]["faces"][0].permute(1, 2, 0).numpy() + 1) / 2 * 255).round()


def test_where_one_speaker_validates_its_own_other_moments_stand_for_other_speakers(tiny, caplog):
    recipe = tiny_settings(metrics={"paper": {"negatives": "speaker"}}).metrics["paper"]
    assert asked(recipe, tiny.entries("val")).negatives == "audio"
    assert "one speaker validates" in caplog.text
    assert asked(recipe, tiny.entries("test")).negatives == "speaker"


@pytest.mark.parametrize("negatives", ["time", "audio", "both"])
def test_validation_asks_about_another_moments_sound_whatever_is_trained_on(negatives, tiny):
    recipe = tiny_settings(metrics={"paper": {"negatives": negatives}}).metrics["paper"]
    draws = PairDraws(tiny.entries("val"), tiny.clips(), asked(recipe, tiny.entries("val")), 1)
    learner = MetricLearner(recipe, fabric(recipe.training))
    for network in learner.networks.values():
        network.eval()
    batch_of = torch.utils.data.default_collate([draws[number] for number in range(4)])
    with torch.no_grad():
        numbers = learner.validate([batch_of])
    _, alike = learner.terms(batch_of)
    assert alike.keys() == {"pair", "far", "other_voice"}
    expected = {"time": alike["far"], "audio": alike["other_voice"]}
    expected["both"] = torch.where(batch_of["far"], alike["far"], alike["other_voice"])
    assert numbers["negative"] == pytest.approx(expected[negatives].mean().item())


def test_faces_that_do_not_change_are_counted_and_teach_nothing(tiny):
    learner, pairs = batch(tiny, negatives="time")
    pairs["faces"] += 0.1 * torch.rand_like(pairs["faces"])  # drawn mouths may be the same to the last pixel
    pairs["faces"][1, 1] = pairs["faces"][1, 0]
    terms, alike = learner.terms(pairs)
    assert terms["still"].item() == 0.25
    assert torch.isfinite(terms["loss"])
    assert (alike["pair"] == 0).sum() <= 1


def test_the_losses_add_up_as_weighted(tiny):
    learner, pairs = batch(tiny, negative_weight=0.5)
    terms, _ = learner.terms(pairs)
    torch.testing.assert_close(terms["loss"], terms["positive"] + 0.5 * terms["negative"])


def test_time_negatives_encode_two_voices_a_sample_and_no_other(tiny):
    learner, pairs = batch(tiny, negatives="time")
    heard = []
    learner.networks["encoders"].audio.register_forward_hook(lambda _net, inputs, _out: heard.append(len(inputs[0])))
    learner.terms(pairs)
    assert heard == [2 * 4]


def test_a_far_negative_is_judged_by_the_faces_and_another_by_the_voice(tiny):
    learner, pairs = batch(tiny, negatives="both")
    learner.networks["encoders"].eval()
    pairs["far"] = torch.tensor([True, True, False, False])
    negative = learner._negative(learner.terms(pairs)[1], pairs["far"])
    swapped = {**pairs, "faces": pairs["faces"].clone()}
    swapped["faces"][:, 2] = 0
    changed = learner._negative(learner.terms(swapped)[1], pairs["far"]) != negative
    assert changed.tolist() == [True, True, False, False]


def test_the_reconstruction_teaches_the_voice_encoder(tiny):
    learner, pairs = batch(tiny, reconstruction_weight=1)
    terms, _ = learner.terms(pairs)
    terms["reconstruction"].backward()
    encoders = learner.networks["encoders"]
    assert terms["reconstruction"] > 0
    assert max(weight.grad.abs().max() for weight in encoders.audio.parameters()) > 0
    assert all(weight.grad is None for weight in encoders.face.parameters())


def test_a_frozen_metrics_batch_statistics_do_not_drift(metric):
    before = {name: value.clone() for name, value in metric.state_dict().items()}
    metric.train()
    with torch.no_grad():
        metric.face_change(*torch.rand(2, 4, 3, 32, 32))
        metric.audio_change(torch.randn(4, 2, 1, 80, 16))
    torch.testing.assert_close(dict(metric.state_dict()), before, atol=0, rtol=0)
    assert not metric.encoders.training


def test_no_gradient_reaches_the_frame_before_or_the_weights(metric):
    before, now = torch.rand(2, 2, 3, 32, 32).requires_grad_().unbind()
    before, now = before.detach().requires_grad_(), now.detach().requires_grad_()
    metric.face_change(before, now).square().sum().backward()
    assert before.grad is None
    assert now.grad.abs().max() > 0
    assert all(weight.grad is None for weight in metric.parameters())


def test_the_attention_is_of_length_one_and_zero_where_nothing_is_said(metric, tiny):
    entry = tiny.entries("test")[0]
    windows = mel_windows(tiny.clips(), entry, [5, 9, 9])
    attention = metric.attention(torch.stack([windows[:2], windows[1:]]))
    assert attention[0].norm().item() == pytest.approx(1, abs=1e-5)
    assert attention[1].abs().max() == 0


def test_the_audio_change_is_that_of_the_encoder(metric, tiny):
    windows = mel_windows(tiny.clips(), tiny.entries("test")[0], [5, 9])
    voices = metric.encoders.audio(windows)
    torch.testing.assert_close(metric.audio_change(windows[None])[0], voices[1] - voices[0])


def test_a_missing_or_cut_off_checkpoint_is_refused(trained, tmp_path):
    with pytest.raises(InputError, match=r"checkpoint .*none\.pt is not there"):
        load_metric(tmp_path / "none.pt")
    (tmp_path / "cut.pt").write_bytes((trained.out("metric") / "best.pt").read_bytes()[:1000])
    with pytest.raises(InputError, match=r"checkpoint .*cut\.pt cannot be read"):
        load_metric(tmp_path / "cut.pt")


@pytest.mark.slow  # a loader process that has failed takes seconds to end
def test_a_shard_made_anew_ends_the_command_with_one_sentence_whichever_process_finds_it(
    tiny, tmp_path, mlflow_template, capfd
):
    table = pq.read_table(tiny.index)
    stale = table.set_column(table.column_names.index("mel_digest"), "mel_digest", [["0" * 16] * len(table)])
    pq.write_table(stale, tmp_path / "index.parquet")
    for workers in (0, 1):
        place = workplace(
            tmp_path / f"{workers}", tiny, mlflow_template, metrics={"paper": {"training": {"workers": workers}}}
        )
        command = [str(tmp_path / "index.parquet") if word == tiny.index else word for word in place.command("metric")]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in place.environment.items():
                patch.setenv(name, value)
            assert main(command) == 2
        said = capfd.readouterr().err
        (line,) = (line for line in said.splitlines() if line.startswith("tavce metric: "))
        assert "the index was made of one with 0000000000000000: rerun index" in line
        assert "Traceback" not in said


def test_a_metric_of_a_version_with_other_settings_is_refused_in_words(trained, tmp_path):
    state = torch.load(trained.best("metric"), weights_only=True)
    settings = json.loads(state["settings"])
    del settings["metric"]["signed"]
    torch.save({**state, "settings": json.dumps(settings)}, tmp_path / "old.pt")
    words = r"(?s)checkpoint .*old\.pt is of another version.*missing setting .metric\.signed"
    with pytest.raises(InputError, match=words):
        load_metric(tmp_path / "old.pt")
