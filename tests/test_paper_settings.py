"""`paper.yaml` builds the paper's networks: trainable parameters as in the published layouts."""

import numpy as np
import pytest
import torch

from tavce.config import paper
from tavce.generator import coefficients
from tavce.generator.model import FaceRenderer
from tavce.metric.model import Encoders
from tavce.networks.reconstruction import ReconstructionGenerator, ReconstructionSizes


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


@pytest.fixture(scope="module", autouse=True)
def _without_memory():
    """Networks of these sizes are counted, not filled."""
    with torch.device("meta"):
        yield


def test_the_metric_has_the_released_encoders_and_generators():
    recipe = paper().metrics["paper"]
    encoders = Encoders(recipe.networks, recipe.input_px)
    sizes = ReconstructionSizes(
        **recipe.networks.reconstruction.model_dump(), attention_features=recipe.networks.features
    )
    assert parameters(encoders.face) == 14_390_528
    assert parameters(encoders.audio) == 2_878_336
    assert parameters(ReconstructionGenerator(sizes)) == 45_724_419


def test_the_renderer_has_the_released_networks_with_and_without_attention():
    settings = paper().renderers["ours"]
    ours = FaceRenderer(settings.networks, 70, paper().metrics["paper"].networks.features)
    assert parameters(ours.mapping) == 10_195_190
    assert parameters(ours.keypoints) == 41_940_047
    assert parameters(ours.generator) == 101_382_544
    assert parameters(FaceRenderer(settings.networks, 70, None).generator) == 100_988_176


def test_audio2exp_has_the_published_parameters():
    assert parameters(coefficients.build_audio2exp(paper().audio2exp, 64)) == 2_849_664


def test_audio2pose_has_the_published_parameters():
    model = coefficients.PoseModel(paper().audio2pose, np.ones(6, np.float32))
    assert parameters(model.audio) == 2_812_672
    assert parameters(model.cvae) == 6_329_272
