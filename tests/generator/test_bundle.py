"""Facts about the one file that makes a portrait talk: what is in it, and that nothing of it changes on the way."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from coded_video import ffmpeg
from tiny_corpus import EXPRESSION, TinyCorpus, tiny_settings
from tiny_runs import Workplace

from tavce import media
from tavce.cli import main
from tavce.demo.portrait import load_portrait
from tavce.faces.basis import ExpressionBasis
from tavce.files import sha256
from tavce.generator import bundle
from tavce.generator.bundle import NETWORKS, SECTIONS, Bundle
from tavce.generator.pack import refuse_misfits
from tavce.records import InputError
from tavce.training import checkpoint

STAGES = ("metric", "renderer", "audio2exp", "audio2pose")


def command(trained: Workplace, tiny: TinyCorpus, out: Path, *networks: str, name: str = "ours") -> list[str]:
    settings = ["--settings", tiny_settings().sections("pack")]
    given = networks or tuple(trained.best(stage) for stage in STAGES)
    return ["pack", *settings, "--name", name, "--basis", tiny.basis_path, "--out", str(out), "--networks", *given]


@pytest.fixture(scope="module")
def packed(trained, tiny, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "ours.pt"
    assert main(command(trained, tiny, path)) == 0
    return path


@pytest.fixture
def deaf(trained, tmp_path) -> str:
    """A renderer without attention."""
    state = checkpoint.load(trained.best("renderer"))
    settings = json.loads(state["settings"])
    settings["renderer"]["attention"] = "none"
    weights = state["networks"]["renderer"]
    kept = {name: weight for name, weight in weights.items() if not name.startswith("generator.attention")}
    state |= {"settings": json.dumps(settings), "networks": {"renderer": kept}}
    checkpoint.save(tmp_path / "best.pt", state)
    return str(tmp_path / "best.pt")


def test_a_packed_model_has_the_trained_weights_to_the_bit_and_no_discriminator(packed, trained):
    parts = bundle.load(packed).parts
    assert parts.keys() == {*STAGES}
    for stage in STAGES:
        network = NETWORKS[stage]
        assert parts[stage]["networks"].keys() == {network}
        torch.testing.assert_close(
            parts[stage]["networks"][network], trained.networks(stage)[network], atol=0, rtol=0, equal_nan=True
        )
        assert parts[stage]["settings"] == checkpoint.load(trained.best(stage))["settings"]


def test_a_packed_model_has_the_basis_to_the_bit(packed, tiny):
    basis = bundle.load(packed).basis
    np.testing.assert_array_equal(basis.mean, tiny.basis.mean)
    np.testing.assert_array_equal(basis.components, tiny.basis.components)
    assert (basis.scale, basis.explained, basis.backend) == (tiny.basis.scale, tiny.basis.explained, "landmarks")


def test_a_packed_model_knows_its_settings_its_name_and_what_it_is_from(packed, trained, tiny):
    model = bundle.load(packed)
    assert model.name == "ours"
    assert model.sections.keys() == {*SECTIONS}
    assert model.sections["crop"] == tiny_settings().crop
    files = [tiny.basis_path, *(trained.best(stage) for stage in STAGES)]
    assert model.sources == {path: sha256(path) for path in files}


def test_the_digest_of_a_model_is_of_its_settings_and_sources():
    def digest(settings: str = "{}", name: str = "a", **sources: str) -> str:
        return Bundle(name, settings, {}, None, sources).digest

    assert digest() == digest(name="b")
    assert len({digest(), digest('{"a": 1}'), digest(best="0"), digest(best="1")}) == 4


def test_a_model_without_a_basis_is_read_as_it_was_written(packed, tmp_path):
    model = bundle.load(packed)
    bundle.save(tmp_path / "a.pt", Bundle("a", model.settings, model.parts, None, {}))
    again = bundle.load(tmp_path / "a.pt")
    assert again.basis is None
    assert (again.name, again.settings, again.sources) == ("a", model.settings, {})


def test_a_model_whose_renderer_does_not_attend_holds_no_metric(trained, tiny, deaf, tmp_path):
    networks = [trained.best(stage) for stage in ("metric", "audio2exp", "audio2pose")]
    assert main(command(trained, tiny, tmp_path / "a.pt", deaf, *networks)) == 0
    model = bundle.load(tmp_path / "a.pt")
    assert model.parts.keys() == {"renderer", "audio2exp", "audio2pose"}
    assert trained.best("metric") not in model.sources


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        (("renderer",), "a model needs the best.pt of audio2exp, audio2pose: give it with --networks"),
        (("audio2exp", "audio2pose", "metric"), "a model needs the best.pt of renderer: give it with --networks"),
        (("renderer", "audio2exp", "audio2pose"), "attends to the correlation: give the metric's best.pt"),
        ((*STAGES, "audio2exp"), "are both of audio2exp: give one"),
    ],
)
def test_networks_that_make_no_model_are_refused(trained, tiny, tmp_path, capsys, stages, words):
    networks = [trained.best(stage) for stage in stages]
    assert main(command(trained, tiny, tmp_path / "a.pt", *networks)) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "a.pt").exists()


def test_a_checkpoint_of_another_stage_is_refused():
    with pytest.raises(InputError, match="a checkpoint of deep3d has no place in a talking-head model"):
        bundle.part({"stage": "deep3d"})


def test_networks_that_were_not_trained_together_are_refused(packed, tiny):
    model = bundle.load(packed)
    wider = ExpressionBasis(tiny.basis.mean, tiny.basis.components[:-1], 1.0, 1.0)
    with pytest.raises(InputError, match=f"the basis has {EXPRESSION - 1} components, audio2exp gives {EXPRESSION}"):
        refuse_misfits(model.parts, wider)
    for stage, entry, words in (
        ("audio2exp", "linear.bias", "audio2exp gives 5 \\+ 6 coefficients, the renderer takes 14"),
        ("metric", "audio.embed.bias", "the metric has 5 features, the renderer attends to 6: give its own metric"),
    ):
        kept = model.parts[stage]["networks"][NETWORKS[stage]]
        other = {"networks": {NETWORKS[stage]: {**kept, entry: torch.zeros(5)}}}
        with pytest.raises(InputError, match=words):
            refuse_misfits({**model.parts, stage: other}, model.basis)


def test_a_file_that_is_no_model_is_refused(trained, packed, tmp_path):
    with pytest.raises(InputError, match=r"best\.pt is no talking-head model: `tavce pack` makes one"):
        bundle.load(trained.best("renderer"))
    with pytest.raises(InputError, match="is not there"):
        bundle.load(tmp_path / "none.pt")
    state = checkpoint.load(packed)
    checkpoint.save(tmp_path / "later.pt", {**state, "format": 9})
    with pytest.raises(InputError, match="is a talking-head model of format 9, this version reads 1"):
        bundle.load(tmp_path / "later.pt")
    checkpoint.save(tmp_path / "less.pt", {**state, "parts": {"renderer": state["parts"]["renderer"]}})
    with pytest.raises(InputError, match="holds no audio2exp: pack it anew"):
        bundle.load(tmp_path / "less.pt")


def test_a_packed_model_makes_a_portrait_speak(packed, tmp_path):
    portrait, speech, out = tmp_path / "face.png", tmp_path / "speech.wav", tmp_path / "talk.mp4"
    cv2.imwrite(str(portrait), load_portrait().picture[:300, 80:380, ::-1])
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.4", speech)
    files = ["--portrait", portrait, "--audio", speech, "--out", out, "--model", packed]
    assert main(["animate", *map(str, files), "--device", "cpu"]) == 0
    assert media.frame_count(out) == 10
