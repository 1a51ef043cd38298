"""A talking-head model that has learnt nothing, a portrait and a speech of noise: they cost what real ones cost."""

import numpy as np
import torch

from tavce.config import Settings, load, merge, paper
from tavce.generator.coefficients import PoseModel, build_audio2exp
from tavce.generator.model import FaceRenderer
from tavce.generator.talking import Manner, Portrait, Speech, TalkingNetworks
from tavce.metric.model import Encoders, FrozenMetric

TINY_AUDIO = [2, 2, 2, 2, 2]
TINY = {  # 256 px pictures of as little work as can be
    "metrics": {"paper": {"networks": {"audio_channels": TINY_AUDIO, "features": 2}}},
    "audio2exp": {"audio_channels": TINY_AUDIO},
    "audio2pose": {"audio_channels": TINY_AUDIO, "hidden": 4, "unet_channels": [2, 2]},
    "renderers": {
        "ours": {
            "networks": {
                "keypoints": 2,
                "mapping": {"channels": 4},
                "detector": {"block_expansion": 2, "max_features": 2, "blocks": 1, "depth": 2},
                "dense_motion": {
                    **{"volume_channels": 2, "volume_depth": 2, "compressed_channels": 1, "block_expansion": 2},
                    **{"max_features": 2, "blocks": 1, "kernel": 1},
                },
                "decoder": {
                    **{"feature_channels": 2, "middle_channels": 2, "middle_blocks": 1, "modulation_channels": 2},
                    "up_channels": [2, 2, 2, 2],
                },
                "generator": {"block_expansion": 2, "max_features": 2, "down_blocks": 4, "residual_blocks": 1},
            }
        }
    },
}


def sized(name: str) -> Settings:
    """Return the settings of `paper` or of `tiny` networks."""
    return load(merge(paper().model_dump(mode="json"), TINY if name == "tiny" else {}))


def untrained_networks(settings: Settings, device: torch.device) -> TalkingNetworks:
    """Return networks of random weights, whose attention changes what is painted."""
    torch.manual_seed(2024)
    variant, recipe = settings.renderers["ours"], settings.metrics["paper"]
    coefficients = settings.motion.expression + 6
    renderer = FaceRenderer(variant.networks, coefficients, recipe.networks.features, variant.attention)
    torch.nn.init.normal_(renderer.generator.attention.restore.weight, std=0.01)
    return TalkingNetworks(
        renderer.eval().to(device),
        variant,
        build_audio2exp(settings.audio2exp, settings.motion.expression).eval().to(device),
        PoseModel(settings.audio2pose, np.ones(6, np.float32)).eval().to(device),
        FrozenMetric(Encoders(recipe.networks, recipe.input_px), recipe).to(device),
    )


def noise(settings: Settings, frames: int) -> tuple[Portrait, Speech, Manner]:
    """Return a portrait, a speech of `frames` frames, and how the settings have it said."""
    random = np.random.default_rng(2024)
    side, rate = settings.synthesise.image_px, settings.window.mel_rate_hz / settings.window.rate_hz
    picture = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    portrait = Portrait(picture, random.normal(size=settings.motion.expression + 6).astype(np.float32) * 0.3, 0.3)
    mel = random.normal(size=(1 + int(frames * rate), settings.mel.bins)).astype(np.float32)
    made = settings.synthesise
    manner = Manner("predicted", made.style, made.seed, made.expression_frames, made.batch)
    return portrait, Speech(mel, frames, settings.window), manner
