"""Facts about `tavce convert`: SadTalker's files become a talking-head model, and go back to the bit."""

import json
from pathlib import Path

import numpy as np
import published_coefficients as coefficients
import published_layouts as layouts
import published_renderer as renderer
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tiny_corpus import RENDERER_NETWORKS

from tavce.cli import main
from tavce.config import PAPER, load, merge
from tavce.generator import bundle
from tavce.generator.convert import published
from tavce.generator.talking import Manner, Portrait, Speech, networks_of, talk

POSE = {"frames": 16, "latent": 5, "styles": 4, "hidden": 16, "audio_embedding": 3, "unet_channels": [4, 6, 8]}
NETWORKS = {**RENDERER_NETWORKS, "image_px": 256, "keypoints": 5}
SHAPES = {
    "generator": renderer.generator(renderer.SMALL),
    "kp_extractor": renderer.keypoint_detector(4, 12, 2, 3, 5, 5),
    "audio2exp": coefficients.audio2exp(64),
    "audio2pose.netG": coefficients.pose_cvae(16, 512, 3, 5, 4, 16, (4, 6, 8)),
    "audio2pose.audio_encoder": layouts.audio_encoder(),
}


@pytest.fixture(scope="module")
def settings() -> str:
    raw = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    return load(merge(raw, {"audio2pose": POSE, "renderers": {"ours": {"networks": NETWORKS}}})).sections("convert")


@pytest.fixture(scope="module")
def states() -> dict[str, layouts.State]:
    shapes = SHAPES | {"mapping": renderer.mapping(70, 12, 5)}
    return {key: renderer.converged(layouts.numbers(entries, 3)) for key, entries in shapes.items()}


@pytest.fixture(scope="module")
def flat(states) -> layouts.State:
    return {f"{key}.{name}": entry for key in SHAPES for name, entry in states[key].items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory, states, flat) -> Path:
    folder = tmp_path_factory.mktemp("published")
    extra = {"face_3drecon.fc.bias": torch.zeros(1), "audio2pose.netD_motion.seq.4.bias": torch.zeros(1)}
    save_file(flat | extra, folder / "sadtalker.safetensors")
    torch.save({"mapping": states["mapping"], "epoch": 229}, folder / "mapping.pth.tar")
    pose = {name.removeprefix("audio2pose."): entry for name, entry in flat.items() if name.startswith("audio2pose.")}
    torch.save({"model": pose}, folder / "audio2pose.pth")
    torch.save({"model": states["audio2exp"]}, folder / "audio2exp.pth")
    rest = {"generator": states["generator"], "kp_detector": states["kp_extractor"], "he_estimator": {}}
    torch.save(rest, folder / "facevid2vid.pth.tar")
    return folder


def converted(settings: str, files: Path, out: Path, *more: str) -> int:
    both = ["--sadtalker", str(files / "sadtalker.safetensors"), "--mapping", str(files / "mapping.pth.tar")]
    return main(["convert", "--settings", settings, *both, "--out", str(out), *more])


def test_published_files_become_a_model_and_go_back_to_the_bit(settings, files, flat, states, tmp_path):
    report = tmp_path / "report.json"
    assert converted(settings, files, tmp_path / "model.pt", "--report", str(report)) == 0
    said = json.loads(report.read_text())
    assert said["rest"]["unused"] == {"face_3drecon.fc.bias": "left out by design"}
    assert said["audio2pose"]["unused"] == {"netD_motion.seq.4.bias": "left out by design"}
    assert said["audio2pose"]["seeded"] == ["scale", "gain"]
    assert set(said["sources"]) == {"sadtalker.safetensors", "mapping.pth.tar"}
    out, mapping = tmp_path / "back.safetensors", tmp_path / "mapping.pth.tar"
    arguments = ["convert", "--export", str(tmp_path / "model.pt"), "--out", str(out), "--mapping-out", str(mapping)]
    assert main(arguments) == 0
    wanted = flat | {f"mapping.{name}": entry for name, entry in states["mapping"].items()}
    found = load_file(out)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], entry) for name, entry in wanted.items())
    assert torch.load(mapping, weights_only=True)["mapping"].keys() == states["mapping"].keys()


def test_a_converted_model_says_what_it_was_made_of_and_moves_in_deep3ds_coefficients(settings, files, tmp_path):
    assert converted(settings, files, tmp_path / "model.pt") == 0
    model = bundle.load(tmp_path / "model.pt")
    assert model.name == "model"
    assert model.basis is None
    assert model.sections["motion"].backend == "deep3d"
    assert torch.equal(model.parts["audio2pose"]["networks"]["pose"]["scale"], torch.ones(6))
    assert not any("attention" in name for name in model.parts["renderer"]["networks"]["renderer"])


def test_a_converted_model_talks(settings, files, tmp_path):
    assert converted(settings, files, tmp_path / "model.pt") == 0
    model = bundle.load(tmp_path / "model.pt")
    networks = networks_of(model, torch.device("cpu"))
    assert model.blink_closes
    portrait = Portrait(np.full((256, 256, 3), 90, np.uint8), np.zeros(70, np.float32), 0.0)
    speech = Speech(np.zeros((20, 80), np.float32), 5, model.sections["window"])
    frames = np.concatenate([*talk(networks, portrait, speech, Manner("still", 0, 1, expression_frames=10, batch=4))])
    assert frames.shape == (5, 256, 256, 3)


def test_the_older_files_make_the_same_model(settings, files, tmp_path):
    names = {"facevid2vid": "pth.tar", "mapping": "pth.tar", "audio2exp": "pth", "audio2pose": "pth"}
    older = [word for name, ending in names.items() for word in (f"--{name}", str(files / f"{name}.{ending}"))]
    assert main(["convert", "--settings", settings, *older, "--out", str(tmp_path / "older.pt")]) == 0
    assert converted(settings, files, tmp_path / "newer.pt") == 0
    older, newer = (published(bundle.load(tmp_path / f"{name}.pt")) for name in ("older", "newer"))
    assert all(torch.equal(older[name], newer[name]) for name in newer)


def test_going_out_the_scale_of_movements_is_multiplied_into_the_decoder(settings, files, tmp_path):
    assert converted(settings, files, tmp_path / "model.pt") == 0
    model = bundle.load(tmp_path / "model.pt")
    before = published(model)["audio2pose.netG.decoder.pose_linear.weight"]
    model.parts["audio2pose"]["networks"]["pose"]["scale"] = torch.arange(1.0, 7.0)
    after = published(model)["audio2pose.netG.decoder.pose_linear.weight"]
    torch.testing.assert_close(after, before * torch.arange(1.0, 7.0)[:, None])


def refused(capsys, *arguments: str) -> str:
    assert main(["convert", *arguments]) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_file_that_cannot_be_used_is_refused_in_one_sentence_and_nothing_is_written(
    settings, files, flat, tmp_path, capsys
):
    path, out = tmp_path / "it.safetensors", tmp_path / "model.pt"
    common = ["--settings", settings, "--sadtalker", str(path), "--out", str(out)]
    mapping = ["--mapping", str(files / "mapping.pth.tar")]
    save_file(flat, path)
    assert "no file gives the mapping: add --mapping mapping_00229-model.pth.tar" in refused(capsys, *common)
    assert "has no entries 'model': it is another kind of checkpoint" in refused(
        capsys, *common, *mapping, "--audio2exp", str(files / "mapping.pth.tar")
    )
    save_file(flat | {"tail.x": torch.zeros(1)}, path)
    assert "entry 'tail.x' has no place here" in refused(capsys, *common, *mapping)
    save_file(flat | {"generator.second.bias": torch.zeros(5)}, path)
    assert "entry 'second.bias' is (5,), not (24,)" in refused(capsys, *common, *mapping)
    save_file({"x": torch.zeros(1)}, path)
    assert "has no entries of SadTalker: it is of another project" in refused(capsys, *common, *mapping)
    path.write_bytes((files / "sadtalker.safetensors").read_bytes()[:-100])
    assert "cannot be read" in refused(capsys, *common, *mapping)
    assert not out.exists()


def test_where_it_is_lenient_a_stranger_is_reported(settings, files, flat, tmp_path):
    path, report = tmp_path / "it.safetensors", tmp_path / "report.json"
    gap = {name: entry for name, entry in flat.items() if name != "generator.second.bias"}
    save_file(gap | {"tail.x": torch.zeros(1)}, path)
    arguments = ["--sadtalker", str(path), "--mapping", str(files / "mapping.pth.tar"), "--report", str(report)]
    out = str(tmp_path / "model.pt")
    assert main(["convert", "--settings", settings, *arguments, "--out", out, "--lenient"]) == 0
    said = json.loads(report.read_text())
    assert said["rest"]["unused"] == {"tail.x": "stranger"}
    assert said["generator"]["seeded"] == ["second.bias"]


def test_what_is_no_talking_head_model_cannot_be_written_out(files, tmp_path, capsys):
    arguments = ("--export", str(files / "mapping.pth.tar"), "--out", str(tmp_path / "x.safetensors"))
    assert "is no talking-head model" in refused(capsys, *arguments)


def test_settings_without_the_variant_without_attention_are_refused(settings, files, tmp_path, capsys):
    other = json.loads(settings)
    other["renderers"] = {"ours": other["renderers"]["ours"]}
    arguments = ["--sadtalker", str(files / "sadtalker.safetensors"), "--out", str(tmp_path / "model.pt")]
    assert "the settings have no renderers.no_correlation" in refused(
        capsys, "--settings", json.dumps(other), *arguments
    )
