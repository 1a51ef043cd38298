"""A talking-head model in miniature: untrained networks, and everything else as in a packed one."""

import json
from pathlib import Path

import numpy as np
import torch
from tiny_corpus import EXPRESSION, tiny_settings
from torch import nn

from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import MEAN_FACE
from tavce.generator import bundle
from tavce.generator.bundle import SECTIONS, Bundle
from tavce.generator.coefficients import PoseModel, build_audio2exp
from tavce.generator.model import FaceRenderer
from tavce.metric.model import Encoders

SCALE = np.full(6, 20, np.float32)  # of head movement: untrained networks make hardly any


def write_model(path: Path) -> Path:
    """Write the model of `tiny_settings`, drawn from a seed."""
    torch.manual_seed(2024)
    settings = tiny_settings()
    renderer, recipe = settings.renderers["ours"], settings.metrics["paper"]
    networks: dict[str, tuple[str, nn.Module]] = {
        "renderer": ("ours", FaceRenderer(renderer.networks, EXPRESSION + 6, recipe.networks.features)),
        "audio2exp": ("", build_audio2exp(settings.audio2exp, EXPRESSION)),
        "audio2pose": ("", PoseModel(settings.audio2pose, SCALE)),
        "metric": ("paper", Encoders(recipe.networks, recipe.input_px)),
    }
    for layer in networks["renderer"][1].generator.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)  # torch's own are too weak for a movement to be seen
    with torch.no_grad():
        networks["audio2exp"][1].linear.weight[:, -1] *= 10  # of the eyes' opening
    parts = {
        stage: bundle.part(
            {
                "stage": stage,
                "settings": settings.sections(stage, name or None),
                "networks": {bundle.NETWORKS[stage]: network.state_dict()},
            }
        )
        for stage, (name, network) in networks.items()
    }
    said = json.dumps(settings.model_dump(mode="json", include={*SECTIONS}))
    frontal = MEAN_FACE[:, :2] + np.random.default_rng(0).normal(size=(99, 68, 2)) * 0.02
    basis = ExpressionBasis.fit(frontal, EXPRESSION)
    bundle.save(path, Bundle("tiny", said, parts, basis, {"renderer/best.pt": "0" * 64}))
    return path
