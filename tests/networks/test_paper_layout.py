"""At the paper's sizes every network is as large as the published one."""

from dataclasses import replace

import paper_sizes
import pytest
import torch

from tavce.networks.audio2exp import Audio2Exp
from tavce.networks.audio2pose import PoseCvae, PoseDiscriminator
from tavce.networks.discriminator import MultiScaleDiscriminator
from tavce.networks.encoders import AudioEncoder, CorrelationAudioEncoder, ResNet18Encoder, VisualEncoder
from tavce.networks.generator import FaceGenerator
from tavce.networks.headpose import HeadPoseExpression
from tavce.networks.keypoints import KeypointDetector
from tavce.networks.mapping import Mapping
from tavce.networks.reconstruction import ReconstructionGenerator

TRAINABLE_PARAMETERS = [
    (VisualEncoder, paper_sizes.VISUAL_ENCODER, 14_390_528),
    (CorrelationAudioEncoder, paper_sizes.CORRELATION_AUDIO_ENCODER, 2_878_336),
    (AudioEncoder, paper_sizes.AUDIO_ENCODER, 2_812_672),
    (ReconstructionGenerator, paper_sizes.RECONSTRUCTION, 45_724_419),
    (Audio2Exp, paper_sizes.AUDIO2EXP, 2_849_664),
    (PoseCvae, paper_sizes.POSE_CVAE, 6_329_272),
    (PoseDiscriminator, paper_sizes.POSE_DISCRIMINATOR, 2_109_953),
    (Mapping, paper_sizes.MAPPING, 10_195_190),
    (KeypointDetector, paper_sizes.KEYPOINT_DETECTOR, 41_940_047),
    (HeadPoseExpression, paper_sizes.HEAD_POSE_EXPRESSION, 30_254_838),
    (FaceGenerator, paper_sizes.FACE_GENERATOR, 101_382_544),
    (FaceGenerator, replace(paper_sizes.FACE_GENERATOR, attention_features=None), 100_988_176),
    (MultiScaleDiscriminator, paper_sizes.DISCRIMINATOR, 2_758_849),
]


@pytest.mark.parametrize(("network", "sizes", "published"), TRAINABLE_PARAMETERS)
def test_a_network_has_as_many_trainable_parameters_as_the_published_one(network, sizes, published):
    with torch.device("meta"):
        parameters = network(sizes).parameters()
    assert sum(parameter.numel() for parameter in parameters if parameter.requires_grad) == published


def test_the_visual_encoder_fixes_one_scale_per_embedding_entry():
    with torch.device("meta"):
        parameters = list(VisualEncoder(paper_sizes.VISUAL_ENCODER).parameters())
    assert sum(parameter.numel() for parameter in parameters if not parameter.requires_grad) == 128


def test_resnet18_is_the_classifier_without_its_last_layer_plus_the_embedding():
    with torch.device("meta"):
        parameters = ResNet18Encoder(paper_sizes.VISUAL_ENCODER).parameters()
    assert sum(parameter.numel() for parameter in parameters) == 11_176_512 + 512 * 128 + 128


@pytest.mark.parametrize(("network", "sizes", "_"), TRAINABLE_PARAMETERS)
def test_building_twice_gives_the_same_widths(network, sizes, _):
    with torch.device("meta"):
        first, second = network(sizes).state_dict(), network(sizes).state_dict()
    assert {name: entry.shape for name, entry in first.items()} == {name: entry.shape for name, entry in second.items()}


def test_the_keypoint_detector_blurs_with_a_13_px_kernel_at_a_quarter():
    with torch.device("meta"):
        detector = KeypointDetector(paper_sizes.KEYPOINT_DETECTOR)
    assert detector.downscale.weight.shape == (3, 1, 13, 13)


def test_the_pose_encoder_reads_454_numbers_and_the_decoder_262():
    with torch.device("meta"):
        cvae = PoseCvae(paper_sizes.POSE_CVAE)
    assert (cvae.encoder.hidden.in_features, cvae.decoder.hidden.in_features) == (454, 262)
