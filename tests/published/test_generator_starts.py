"""Facts about what the generator's networks start from: settings that fit the files, and networks filled from them."""

from pathlib import Path

import published_coefficients as coefficients
import published_layouts as layouts
import published_renderer as renderer
import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from tavce import weights
from tavce.config import PAPER, Settings, SettingsError, load, merge, paper
from tavce.generator.coefficients import PoseModel, build_audio2exp
from tavce.networks.audio2pose import PoseDiscriminator, PoseDiscriminatorSizes
from tavce.networks.decoder import SpadeDecoderSizes
from tavce.networks.dense_motion import DenseMotionSizes
from tavce.networks.discriminator import DiscriminatorSizes, MultiScaleDiscriminator
from tavce.networks.generator import FaceGenerator, FaceGeneratorSizes
from tavce.networks.keypoints import KeypointDetector, KeypointDetectorSizes
from tavce.networks.mapping import Mapping, MappingSizes
from tavce.published.starts import start_audio2exp, start_audio2pose, start_renderer
from tavce.records import InputError

DEEP3D = {"motion": {"backend": "deep3d"}}
MOTION = DenseMotionSizes(5, 6, 4, 2, 4, 12, 2, 3, 0.01)
DECODER = SpadeDecoderSizes(8, 10, 1, (10, 6), 4)
SMALL_POSE = {"frames": 16, "latent": 5, "styles": 4, "hidden": 16, "audio_embedding": 3, "unet_channels": (4, 6, 8)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of a user who has placed no weights."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(2024)
    return tmp_path


def configured(changes: dict) -> Settings:
    return load(merge(yaml.safe_load(PAPER.read_text(encoding="utf-8")), changes))


class SmallModel(nn.Module):
    """The three networks of a renderer, at sizes that are filled in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = FaceGenerator(
            FaceGeneratorSizes(4, 12, 2, 1, 7, MOTION, SpadeDecoderSizes(8, 10, 1, (10, 6), 4))
        )
        self.keypoints = KeypointDetector(KeypointDetectorSizes(5, 4, 12, 2, 3, 0.5, 0.1))
        self.mapping = Mapping(MappingSizes(70, 27, 12, 7, 3, 3, 3, 5))


STATES = {
    "generator": renderer.generator(renderer.SMALL),
    "kp_detector": renderer.keypoint_detector(4, 12, 2, 3, 5, 5),
    "discriminator": renderer.discriminator((4, 8, 8), ("1",)),
    "mapping": renderer.mapping(70, 12, 5),
    "audio2exp": coefficients.audio2exp(64),
    "audio2pose.netG": coefficients.pose_cvae(16, 512, 3, 5, 4, 16, (4, 6, 8)),
    "audio2pose.audio_encoder": layouts.audio_encoder(),
    "audio2pose.netD_motion": coefficients.pose_discriminator((4, 6, 8)),
}


def place(name: str) -> Path:
    path = weights.FOLDER / weights.table()[name].file
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {key: renderer.converged(layouts.numbers(shapes, 3)) for key, shapes in STATES.items()}
    if name == "sadtalker":
        states["kp_extractor"] = states.pop("kp_detector")
        del states["discriminator"], states["mapping"]
        flat = {f"{key}.{entry}": value for key, state in states.items() for entry, value in state.items()}
        save_file(flat | {"face_3drecon.x": torch.zeros(1)}, path)
    else:
        kept = ("mapping",) if name == "sadtalker_mapping" else ("generator", "kp_detector", "discriminator")
        torch.save({key: states[key] for key in kept} | {"epoch": 189}, path)
    return path


def started(start: str) -> dict[str, nn.Module]:
    torch.manual_seed(7)
    networks = {"renderer": SmallModel(), "discriminator": MultiScaleDiscriminator(DiscriminatorSizes(4, 8, 3, (1.0,)))}
    start_renderer(networks, paper().renderers["ours"].model_copy(update={"start": start}))
    return networks


@pytest.mark.parametrize("start", ["sadtalker", "sadtalker_pth", "facevid2vid"])
def test_a_renderer_starts_from_the_published_numbers_and_keeps_its_attention_as_built(start):
    for name in {"sadtalker": ["sadtalker", "sadtalker_mapping"], "facevid2vid": ["facevid2vid"]}.get(
        start, ["facevid2vid", "sadtalker_mapping"]
    ):
        place(name)
    model, untouched = started(start)["renderer"], started("scratch")["renderer"]
    state = layouts.numbers(STATES["generator"], 3)
    assert torch.equal(model.generator.second.weight, state["second.weight"])
    assert torch.equal(model.keypoints.heatmaps.bias, layouts.numbers(STATES["kp_detector"], 3)["kp.bias"])
    assert torch.equal(model.generator.attention.linear.weight.squeeze(), torch.eye(24))
    assert model.generator.attention.restore.weight.abs().max() == 0
    assert torch.equal(model.mapping.first.weight, untouched.mapping.first.weight) == (start == "facevid2vid")


@pytest.mark.parametrize(("start", "taken"), [("sadtalker", False), ("facevid2vid", True)])
def test_a_discriminator_is_taken_where_the_file_has_one(start, taken):
    for name in ("sadtalker", "sadtalker_mapping", "facevid2vid"):
        place(name)
    here, there = started(start)["discriminator"].state_dict(), started("scratch")["discriminator"].state_dict()
    assert torch.equal(here["discriminators.0.score.bias"], there["discriminators.0.score.bias"]) != taken


def test_audio2exp_starts_from_all_of_sadtalkers_or_from_the_encoder_of_wav2lip():
    place("sadtalker")
    settings = paper().audio2exp
    network = build_audio2exp(settings, 64)
    start_audio2exp(network, settings.model_copy(update={"start": "sadtalker"}))
    state = layouts.numbers(STATES["audio2exp"], 3)
    assert torch.equal(network.linear.weight, state["mapping1.weight"])
    path = weights.FOLDER / weights.table()["wav2lip"].file
    path.parent.mkdir(parents=True)
    torch.save({"state_dict": {f"module.{name}": entry * 2 for name, entry in state.items() if "audio" in name}}, path)
    start_audio2exp(network, settings.model_copy(update={"start": "wav2lip"}))
    expected = 2 * state["audio_encoder.4.conv_block.0.weight"]
    assert torch.equal(network.audio.blocks[4].conv.weight, expected)
    assert torch.equal(network.linear.weight, state["mapping1.weight"])


def test_audio2pose_starts_with_its_discriminator_and_moves_in_the_coefficients_own_units():
    place("sadtalker")
    settings = paper().audio2pose.model_copy(update={"start": "sadtalker", **SMALL_POSE})
    networks = {
        "pose": PoseModel(settings, torch.full((6,), 3.0).numpy()),
        "discriminator": PoseDiscriminator(PoseDiscriminatorSizes(6, (4, 6, 8))),
    }
    start_audio2pose(networks, settings)
    state = layouts.numbers(STATES["audio2pose.netG"], 3)
    assert torch.equal(networks["pose"].scale, torch.ones(6))
    assert torch.equal(networks["pose"].cvae.decoder.pose.weight, state["decoder.pose_linear.weight"])
    assert networks["discriminator"].layers[1].num_batches_tracked == 7


def test_a_file_nobody_placed_is_named():
    with pytest.raises(InputError, match=r"facevid2vid weights are missing: place sadtalker/facevid2vid_00189-model"):
        started("facevid2vid")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"audio2exp": {"start": "wav2lip", "audio_channels": [4, 6, 8, 10, 12]}},
            "audio2exp: start 'wav2lip' needs the published file's audio_channels, [32, 64, 128, 256, 512], "
            "not [4, 6, 8, 10, 12]",
        ),
        (
            {"audio2pose": {"start": "sadtalker", "latent": 32}, **DEEP3D},
            "audio2pose: start 'sadtalker' needs the published file's latent, 64, not 32",
        ),
        (
            {"renderers": {"ours": {"start": "facevid2vid", "networks": {"decoder": {"up_channels": [64, 32]}}}}},
            "start 'facevid2vid' needs the published file's networks.decoder.up_channels, [256, 64], not [64, 32]",
        ),
        (
            {
                "renderers": {
                    "ours": {"weights": {"expression": 5}, "networks": {"estimator": {"blocks": [3, 4, 6, 2]}}}
                }
            },
            "weights.expression 5 needs the published file's networks.estimator.blocks, [3, 4, 6, 3], not [3, 4, 6, 2]",
        ),
        (
            {"renderers": {"ours": {"weights": {"expression": 5}, "networks": {"keypoints": 10}}}},
            "weights.expression 5 needs the published file's networks.keypoints, 15, not 10",
        ),
        (
            {"renderers": {"ours": {"start": "sadtalker"}}},
            "renderers.ours.start 'sadtalker' knows Deep3DFaceRecon's coefficients only: motion.backend must be "
            "deep3d, not landmarks",
        ),
    ],
)
def test_a_start_that_the_file_does_not_fit_is_refused(changes, words):
    with pytest.raises(SettingsError) as caught:
        configured(changes)
    assert words in str(caught.value)


def test_a_start_needs_its_files_besides_those_of_the_losses():
    settings = configured(
        {"renderers": {"ours": {"start": "sadtalker_pth"}}, "audio2exp": {"start": "sadtalker"}} | DEEP3D
    )
    assert settings.renderers["ours"].all_weights == ("facevid2vid", "sadtalker_mapping", "vgg19")
    assert settings.audio2exp.start_weights == ("sadtalker",)
    assert settings.audio2pose.start_weights == ()


def test_the_expression_loss_needs_the_estimators_file_once_and_is_a_part_of_what_a_run_is_known_by():
    for start, files in (
        ("scratch", ("facevid2vid",)),
        ("sadtalker_pth", ("facevid2vid", "sadtalker_mapping")),
        ("sadtalker", ("sadtalker", "sadtalker_mapping", "facevid2vid")),
    ):
        asked = {"start": start, "weights": {"expression": 5}}
        settings = configured({"renderers": {"ours": asked}} | DEEP3D).renderers["ours"]
        assert settings.placed_weights == files
        assert settings.all_weights == (*files, "vgg19")
