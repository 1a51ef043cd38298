"""What the networks of the generator may start from, and which sizes the published files ask for.

So too for the estimator that the renderer's expression is compared with. The files themselves are in
workflow/config/weights.yaml; `tavce.published.starts` and `tavce.generator.estimator` read them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

CoefficientStart = Literal["scratch", "wav2lip", "sadtalker"]
RendererStart = Literal["scratch", "facevid2vid", "sadtalker", "sadtalker_pth"]
_RENDERER_WEIGHTS = {
    "facevid2vid": ("facevid2vid",),
    "sadtalker": ("sadtalker", "sadtalker_mapping"),
    "sadtalker_pth": ("facevid2vid", "sadtalker_mapping"),
}
DEEP3D_ONLY = ("sadtalker", "sadtalker_pth")  # these know Deep3DFaceRecon's coefficients and no others

_AUDIO = {"audio_channels": (32, 64, 128, 256, 512)}
_POSE = {
    **_AUDIO,
    "frames": 32,
    "latent": 64,
    "styles": 46,
    "hidden": 128,
    "audio_embedding": 6,
    "unet_channels": (32, 64, 128, 256),
    "discriminator_channels": (256, 512, 1024),
}
_GENERATOR: Mapping[str, Any] = {
    "keypoints": 15,
    "detector": {"block_expansion": 32, "max_features": 1024, "blocks": 5, "depth": 16, "image_scale": 0.25},
    "dense_motion": {
        "volume_channels": 32,
        "volume_depth": 16,
        "compressed_channels": 4,
        "block_expansion": 32,
        "max_features": 1024,
        "blocks": 5,
        "kernel": 7,
    },
    "decoder": {
        "feature_channels": 256,
        "middle_channels": 512,
        "middle_blocks": 6,
        "up_channels": (256, 64),
        "modulation_channels": 128,
    },
    "generator": {"block_expansion": 64, "max_features": 512, "down_blocks": 2, "residual_blocks": 6},
}
_DISCRIMINATOR = {"discriminator": {"scales": (1,), "block_expansion": 64, "max_features": 512, "blocks": 4}}
_MAPPING = {"mapping": {"window": 27, "channels": 1024, "kernel": 7, "residual_layers": 3, "residual_kernel": 3}}
_ESTIMATOR: Mapping[str, Any] = {
    "image_px": 256,
    "keypoints": 15,
    "estimator": {"stem_channels": 64, "channels": (256, 512, 1024, 2048), "blocks": (3, 4, 6, 3)},
}
_RENDERER_ASKS: Mapping[str, Mapping[str, Any]] = {
    "facevid2vid": _GENERATOR | _DISCRIMINATOR,
    "sadtalker": _GENERATOR | _MAPPING,
    "sadtalker_pth": _GENERATOR | _DISCRIMINATOR | _MAPPING,
}


def coefficient_weights(start: str) -> tuple[str, ...]:
    """Return the files that audio2exp or audio2pose starts from, by their names in weights.yaml."""
    return () if start == "scratch" else (start,)


def renderer_weights(start: str, compares_expression: bool) -> tuple[str, ...]:
    """Return the files that a renderer starts from or takes its estimator from, by their names in weights.yaml."""
    estimator = ("facevid2vid",) if compares_expression else ()
    return tuple(dict.fromkeys(_RENDERER_WEIGHTS.get(start, ()) + estimator))


def audio2exp_misfits(settings: Any) -> Iterator[str]:
    """Yield, in words, why audio2exp cannot start from what it names."""
    if settings.start != "scratch":
        yield from _misfits(_start(settings), settings, _AUDIO)


def audio2pose_misfits(settings: Any) -> Iterator[str]:
    """Yield, in words, why audio2pose cannot start from what it names."""
    if settings.start != "scratch":
        yield from _misfits(_start(settings), settings, _POSE if settings.start == "sadtalker" else _AUDIO)


def renderer_misfits(settings: Any) -> Iterator[str]:
    """Yield, in words, why a renderer cannot start from what it names, or cannot compare expressions."""
    yield from _misfits(_start(settings), settings.networks, _RENDERER_ASKS.get(settings.start, {}), "networks.")
    if weight := settings.weights.expression:
        yield from _misfits(f"weights.expression {weight:g}", settings.networks, _ESTIMATOR, "networks.")


def _start(settings: Any) -> str:
    return f"start '{settings.start}'"


def _misfits(who: str, sizes: Any, asked: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, wanted in asked.items():
        given = getattr(sizes, name)
        if isinstance(wanted, Mapping):
            yield from _misfits(who, given, wanted, f"{above}{name}.")
        elif given != wanted:
            yield f"{who} needs the published file's {above}{name}, {_said(wanted)}, not {_said(given)}"


def _said(value: Any) -> str:
    return str([*value]) if isinstance(value, tuple) else str(value)
