"""Count the trainable parameters of every network at the sizes of the settings, as JSON on standard output.

Networks are built on PyTorch's meta device: nothing is allocated. Metric and renderer are those of `--metric` and
`--renderer`; the generator is counted with and without the correlation's layers.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np
import torch
from torch import nn

from tavce.config import parse_sections
from tavce.config.data import DEEP3D_EXPRESSION
from tavce.config.generator import Renderer
from tavce.config.learning import Metric
from tavce.generator.coefficients import PoseModel, build_audio2exp
from tavce.generator.estimator import build_estimator
from tavce.generator.model import FaceRenderer
from tavce.generator.samples import POSE
from tavce.metric.model import Encoders
from tavce.networks.audio2pose import PoseDiscriminator, PoseDiscriminatorSizes
from tavce.networks.discriminator import DiscriminatorSizes, MultiScaleDiscriminator
from tavce.networks.reconstruction import ReconstructionGenerator, ReconstructionSizes
from tavce.records import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--metric", default="paper", help="recipe of the metric (default: paper)")
    parser.add_argument("--renderer", default="ours", help="variant of the renderer (default: ours)")


def run(arguments: argparse.Namespace) -> None:
    """Write network → trainable parameters.

    Raises:
        InputError: there is no such recipe or variant.
    """
    counts = {name: trainable(network) for name, network in build(arguments).items()}
    sys.stdout.write(json.dumps(counts, indent=1) + "\n")


def trainable(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def build(arguments: argparse.Namespace) -> dict[str, nn.Module]:
    """Return every network by name, on the meta device.

    Raises:
        InputError: there is no such recipe or variant.
    """
    sections = parse_sections(arguments.settings)
    metric: Metric = _chosen(sections["metrics"], arguments.metric, "metric")
    renderer: Renderer = _chosen(sections["renderers"], arguments.renderer, "renderer")
    pose_settings = sections["audio2pose"]
    scale = np.ones(POSE, np.float32)
    with torch.device("meta"):
        pose = PoseModel(pose_settings, scale)
        return {
            **_metric(metric),
            "audio2exp": build_audio2exp(sections["audio2exp"], DEEP3D_EXPRESSION),
            "pose_cvae": pose.cvae,
            "pose_audio_encoder": pose.audio,
            "pose_discriminator": PoseDiscriminator(PoseDiscriminatorSizes(POSE, pose_settings.discriminator_channels)),
            **_renderer(renderer, metric.networks.features),
        }


def _metric(recipe: Metric) -> dict[str, nn.Module]:
    encoders = Encoders(recipe.networks, recipe.input_px)
    sizes = ReconstructionSizes(
        **recipe.networks.reconstruction.model_dump(), attention_features=recipe.networks.features
    )
    reconstruction = ReconstructionGenerator(sizes)
    return {"visual_encoder": encoders.face, "audio_encoder": encoders.audio, "reconstruction": reconstruction}


def _renderer(settings: Renderer, attention: int) -> dict[str, nn.Module]:
    coefficients = DEEP3D_EXPRESSION + POSE
    model = FaceRenderer(settings.networks, coefficients, attention)
    return {
        "mapping": model.mapping,
        "keypoint_detector": model.keypoints,
        "generator": model.generator,
        "generator_without_attention": FaceRenderer(settings.networks, coefficients, None).generator,
        "head_pose_expression": build_estimator(settings.networks),
        "discriminator": MultiScaleDiscriminator(DiscriminatorSizes(**settings.networks.discriminator.model_dump())),
    }


def _chosen(entries: dict[str, Any], name: str, option: str) -> Any:
    if name not in entries:
        raise InputError(f"--{option} {name} is none of {[*entries]}")
    return entries[name]
