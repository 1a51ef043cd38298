"""Facts about published layouts: filled with published numbers, our networks compute what the published ones do."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import published_coefficients as coefficients
import published_layouts as layouts
import published_renderer as renderer
import pytest
import torch
from torch import nn

from tavce.config import paper
from tavce.generator.model import FaceRenderer
from tavce.networks.antialias import AntiAliasDownscale
from tavce.networks.audio2exp import Audio2Exp, Audio2ExpSizes
from tavce.networks.audio2pose import PoseCvae, PoseCvaeSizes, PoseDiscriminator, PoseDiscriminatorSizes
from tavce.networks.decoder import SpadeDecoderSizes
from tavce.networks.dense_motion import DenseMotionSizes
from tavce.networks.discriminator import DiscriminatorSizes, MultiScaleDiscriminator
from tavce.networks.encoders import AudioEncoder, AudioEncoderSizes
from tavce.networks.generator import FaceGenerator, FaceGeneratorSizes
from tavce.networks.headpose import HeadPoseExpression, HeadPoseExpressionSizes
from tavce.networks.keypoints import KeypointDetector, KeypointDetectorSizes
from tavce.networks.mapping import Mapping, MappingSizes
from tavce.published import coefficient_layout, renderer_layout
from tavce.published.files import Entries
from tavce.published.filling import export, fill
from tavce.published.layout import Layout

COMPAT = Path(__file__).parents[3] / "shared/compat/networks.json"
CLOSE = {"atol": 1e-4, "rtol": 1e-4}
AUDIO = AudioEncoderSizes((32, 64, 128, 256, 512))
MOTION = DenseMotionSizes(5, 6, 4, 2, 4, 12, 2, 3, 0.01)
FACE = FaceGeneratorSizes(4, 12, 2, 1, 7, MOTION, SpadeDecoderSizes(8, 10, 1, (10, 6), 4))
POSE = PoseCvaeSizes(8, 6, 12, 3, 5, 4, 16, (4, 6, 8))
ESTIMATOR = HeadPoseExpressionSizes(4, (8, 12), (1, 2), 5)


@dataclass(frozen=True)
class Published:
    """A network of ours, its layout, and the published entries at the same sizes."""

    build: Callable[[], nn.Module]
    layout: Layout
    shapes: layouts.Shapes


SMALL = {
    "generator with fusion": Published(
        lambda: FaceGenerator(FACE),
        renderer_layout.GENERATOR_WITH_FUSION,
        renderer.generator(renderer.SMALL, 7),
    ),
    "generator without fusion": Published(
        lambda: FaceGenerator(FACE),
        renderer_layout.GENERATOR_WITHOUT_FUSION,
        renderer.generator(renderer.SMALL),
    ),
    "keypoints": Published(
        lambda: KeypointDetector(KeypointDetectorSizes(5, 4, 12, 2, 3, 0.5, 0.1)),
        renderer_layout.KEYPOINTS,
        renderer.keypoint_detector(4, 12, 2, 3, 5, 5),
    ),
    "mapping": Published(
        lambda: Mapping(MappingSizes(70, 27, 12, 7, 3, 3, 3, 5)),
        renderer_layout.MAPPING,
        renderer.mapping(70, 12, 5),
    ),
    "estimator": Published(
        lambda: HeadPoseExpression(ESTIMATOR),
        renderer_layout.head_pose(ESTIMATOR.blocks),
        renderer.estimator(4, (8, 12), (1, 2), 5),
    ),
    "discriminator": Published(
        lambda: MultiScaleDiscriminator(DiscriminatorSizes(4, 8, 3, (1.0, 0.5))),
        renderer_layout.discriminator((1.0, 0.5)),
        renderer.discriminator((4, 8, 8), ("1", "0-5")),
    ),
    "audio encoder": Published(
        lambda: AudioEncoder(AUDIO),
        coefficient_layout.AUDIO_ENCODER,
        layouts.audio_encoder(),
    ),
    "audio2exp": Published(
        lambda: Audio2Exp(Audio2ExpSizes(AUDIO, 9)),
        coefficient_layout.AUDIO2EXP,
        coefficients.audio2exp(9),
    ),
    "pose": Published(
        lambda: PoseCvae(POSE),
        coefficient_layout.pose_cvae(3),
        coefficients.pose_cvae(8, 12, 3, 5, 4, 16, (4, 6, 8)),
    ),
    "pose discriminator": Published(
        lambda: PoseDiscriminator(PoseDiscriminatorSizes(6, (4, 6, 8))),
        coefficient_layout.POSE_DISCRIMINATOR,
        coefficients.pose_discriminator((4, 6, 8)),
    ),
}
PAPER = {  # by its name in the published table
    "generator_with_fusion": renderer.generator(renderer.PAPER, 128),
    "generator_without_fusion": renderer.generator(renderer.PAPER),
    "kp_detector": renderer.keypoint_detector(32, 1024, 5, 16, 15, 13),
    "mapping": renderer.mapping(70, 1024, 15),
    "he_estimator": renderer.estimator(64, (256, 512, 1024, 2048), (3, 4, 6, 3), 15),
    "discriminator": renderer.discriminator((64, 128, 256, 512), ("1",)),
    "audio2exp": coefficients.audio2exp(),
    "audio2pose_audio_encoder": layouts.audio_encoder(),
    "audio2pose_cvae": coefficients.pose_cvae(32, 512, 6, 64, 46, 128, (32, 64, 128, 256)),
    "audio2pose_discriminator": coefficients.pose_discriminator((256, 512, 1024)),
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(2024)


def filled(name: str) -> tuple[nn.Module, layouts.State]:
    """Return our network after the published numbers were laid over it, and those numbers."""
    state = renderer.converged(layouts.numbers(SMALL[name].shapes, 3))
    network = SMALL[name].build().eval()
    fill(network, Entries("file", state), SMALL[name].layout)
    return network, state


@pytest.mark.parametrize("name", SMALL)
def test_what_is_read_from_a_published_layout_is_written_back_to_the_bit(name):
    network, state = filled(name)
    written = export(network.state_dict(), SMALL[name].layout)
    assert written.keys() == state.keys()
    assert all(torch.equal(written[entry], state[entry]) for entry in state)


@pytest.mark.parametrize("name", SMALL)
def test_every_published_name_leads_back_to_the_one_of_ours_that_it_came_from(name):
    ours = SMALL[name].build().state_dict()
    there = SMALL[name].layout.to_published(ours)
    back = SMALL[name].layout.to_ours(ours)
    assert set(back) == set(SMALL[name].shapes)
    assert {back[theirs]: theirs for theirs in back} == there


@pytest.mark.skipif(not COMPAT.is_file(), reason="the table of published layouts lies beside the repository")
@pytest.mark.parametrize("name", PAPER)
def test_the_layouts_of_the_talking_head_are_those_of_the_published_table(name):
    table = json.loads(COMPAT.read_text(encoding="utf-8"))[name]["state_dict"]
    assert {entry: tuple(shape) for entry, shape, *_ in table} == PAPER[name]


@torch.inference_mode()
@pytest.mark.parametrize("name", ["generator with fusion", "generator without fusion"])
def test_the_generator_paints_what_the_published_one_does(name):
    network, state = filled(name)
    source, heard = torch.rand(2, 3, 32, 32), torch.rand(2, 7)
    moved = torch.rand(2, 5, 3) - 0.5, torch.rand(2, 5, 3) - 0.5
    expected = renderer.run_generator(state, renderer.SMALL, source, moved, heard)
    torch.testing.assert_close(network(source, *moved, heard).prediction, expected, **CLOSE)
    assert expected.std() > 0.01


def test_under_a_file_without_fusion_the_attention_passes_the_features_unchanged():
    network, _ = filled("generator without fusion")
    features = torch.randn(2, 24, 8, 8)
    torch.testing.assert_close(network.attention(features, torch.rand(2, 7)), features)
    assert network.attention.restore.weight.abs().max() == 0
    assert torch.equal(network.attention.linear.weight.squeeze(), torch.eye(24))


@torch.inference_mode()
def test_the_detector_finds_the_published_keypoints():
    network, state = filled("keypoints")
    state["down.weight"] = AntiAliasDownscale(3, 0.5).weight
    network.load_state_dict({"downscale.weight": state["down.weight"]}, strict=False)
    picture = torch.rand(2, 3, 32, 32)
    expected = renderer.run_keypoint_detector(state, picture, depth=3, every=2)
    torch.testing.assert_close(network(picture), expected, **CLOSE)


@torch.inference_mode()
def test_the_mapping_gives_the_published_motion():
    network, state = filled("mapping")
    window = torch.randn(2, 70, 27)
    torch.testing.assert_close(network(window)._asdict(), renderer.run_mapping(state, window), **CLOSE)


@torch.inference_mode()
def test_the_estimators_yaw_is_what_the_published_roll_layer_says_and_the_other_way_round():
    network, state = filled("estimator")
    picture = torch.rand(2, 3, 32, 32)
    expected = renderer.run_estimator(state, picture, (1, 2))
    torch.testing.assert_close(network(picture)._asdict(), expected, **CLOSE)
    assert (expected["yaw"] - expected["roll"]).abs().max() > 0.1


@torch.inference_mode()
def test_the_discriminator_scores_as_the_published_one():
    network, state = filled("discriminator")
    picture = torch.rand(2, 3, 96, 96)
    smaller = network.downscales[1](picture)
    for judged, seen, scale in zip(network(picture), (picture, smaller), ("1", "0-5"), strict=True):
        torch.testing.assert_close(judged.prediction, renderer.run_discriminator(state, seen, scale), **CLOSE)


@torch.inference_mode()
def test_audio2exp_gives_the_published_expression():
    network, state = filled("audio2exp")
    mel, reference, blink = torch.randn(3, 1, 80, 16), torch.randn(3, 9), torch.rand(3, 1)
    expected = coefficients.run_audio2exp(state, mel, reference, blink)
    torch.testing.assert_close(network(mel[None], reference[None], blink[None])[0], expected, **CLOSE)


@torch.inference_mode()
def test_the_cvae_gives_the_published_code_and_movement():
    network, state = filled("pose")
    reference, motion, audio, code = torch.randn(2, 6), torch.randn(2, 8, 6), torch.randn(2, 8, 12), torch.randn(2, 5)
    style = torch.tensor([3, 3])
    mean, _ = network.encoder(motion, reference, audio, style)
    torch.testing.assert_close(mean, coefficients.run_pose_means(state, motion, reference, audio, 3), **CLOSE)
    expected = coefficients.run_pose_decoder(state, code, reference, audio, 3)
    torch.testing.assert_close(network.sample(reference, audio, style, code), expected, **CLOSE)


@torch.inference_mode()
def test_the_discriminator_of_movements_scores_as_the_published_one():
    network, state = filled("pose discriminator")
    motion = torch.randn(2, 16, 6)
    torch.testing.assert_close(network(motion), coefficients.run_pose_discriminator(state, motion), **CLOSE)


def test_a_pose_model_is_named_as_netg_and_audio_encoder():
    layout = coefficient_layout.pose_model(4)
    assert layout.published("audio.blocks.3.norm.bias") == "audio_encoder.audio_encoder.3.conv_block.1.bias"
    assert layout.published("cvae.encoder.unet.down_blocks.2.residual.0.bias") == (
        "netG.encoder.resunet.bridge.conv_block.0.bias"
    )
    assert layout.published("cvae.decoder.sequence.weight") == "netG.decoder.MLP.L1.weight"
    assert layout.left_out.match("netD_motion.seq.4.bias")
    assert layout.to_published(["scale", "gain"]) == {}


@pytest.mark.slow
def test_at_the_papers_sizes_every_name_and_shape_is_the_published_one():
    with torch.device("meta"):
        model = FaceRenderer(paper().renderers["ours"].networks, 70, 128)
    for network, layout, name in (
        (model.generator, renderer_layout.GENERATOR_WITH_FUSION, "generator_with_fusion"),
        (model.generator, renderer_layout.GENERATOR_WITHOUT_FUSION, "generator_without_fusion"),
        (model.keypoints, renderer_layout.KEYPOINTS, "kp_detector"),
        (model.mapping, renderer_layout.MAPPING, "mapping"),
    ):
        shapes = {theirs: tuple(entry.shape) for theirs, entry in export(network.state_dict(), layout).items()}
        assert shapes == PAPER[name]
