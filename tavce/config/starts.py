"""What the encoders of the metric may start from, and which sizes the published files ask for.

The files themselves are in workflow/config/weights.yaml; `tavce.metric.published` reads them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

AudioStart = Literal["scratch", "wav2lip", "tavce"]
VisualStart = Literal["scratch", "arcface", "imagenet", "tavce"]
_WEIGHTS = {"wav2lip": "wav2lip", "arcface": "arcface_iresnet18", "imagenet": "resnet18", "tavce": "tavce_metric"}

_AUDIO = {"audio_channels": (32, 64, 128, 256, 512)}
_VISUAL = {"visual_channels": (64, 128, 256, 512)}
_ASKS: Mapping[str, Mapping[str, Any]] = {  # the paper's sizes
    "wav2lip": _AUDIO,
    "arcface": {"visual": "iresnet18", **_VISUAL},
    "imagenet": {"visual": "resnet18", **_VISUAL},
    "tavce": {**_AUDIO, "visual": "iresnet18", **_VISUAL, "features": 128},
}
_RECONSTRUCTION = {"channels": (64, 128, 256, 512), "blocks_before": 5, "blocks_after": 4}
_INPUT_PX = 112  # the layer behind the trunk of the release has an entry for each of its 7 × 7 places


def weights(recipe: Any) -> tuple[str, ...]:
    """Return the files that a recipe of the metric starts from, by their names in weights.yaml."""
    return tuple(
        dict.fromkeys(_WEIGHTS[name] for name in (recipe.audio_start, recipe.visual_start) if name in _WEIGHTS)
    )


def misfits(recipe: Any) -> Iterator[str]:
    """Yield, in words, why a recipe of the metric cannot start from what it names."""
    starts = {"audio_start": recipe.audio_start, "visual_start": recipe.visual_start}
    if [*starts.values()].count("tavce") == 1:
        yield "audio_start and visual_start: give both `tavce` or neither, as its encoders share one space"
    for key, start in starts.items():
        for name, wanted in _ASKS.get(start, {}).items():
            if (given := getattr(recipe.networks, name)) != wanted:
                yield f"{key} '{start}' needs the published file's networks.{name}, {_said(wanted)}, not {_said(given)}"
    if recipe.visual_start == "tavce":
        if recipe.input_px != _INPUT_PX:
            yield f"visual_start 'tavce' needs input_px {_INPUT_PX}, not {recipe.input_px}"
        for name, wanted in _RECONSTRUCTION.items() if recipe.reconstruction_weight else ():
            if (given := getattr(recipe.networks.reconstruction, name)) != wanted:
                yield f"visual_start 'tavce' needs networks.reconstruction.{name} {_said(wanted)}, not {_said(given)}"


def _said(value: Any) -> str:
    return str([*value]) if isinstance(value, tuple) else str(value)
