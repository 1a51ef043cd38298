"""Pictures of a metric: what it hears, how similarities are spread, and what its generators rebuild.

Every picture appears whole or not at all. Shapes: B samples, S side of the mouth box in px.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from tavce.files import whole
from tavce.metric.listening import Heard

DPI = 150
BINS = np.linspace(0, 1, 41)
LABELS = {"pair": "own sound", "other_voice": "another moment's sound", "far": "a far frame"}


def listening_figure(name: str, heard: Heard, path: Path) -> None:
    """Draw the AUC against delayed sound, the similarity by lag, and the spread of similarities side by side."""
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    delayed, lags, spread = figure.subplots(1, 3)
    delayed.plot([*heard.auc_by_delay], [*heard.auc_by_delay.values()], marker="o", markersize=3)
    delayed.axhline(0.5, color="grey", linewidth=0.8, linestyle="--")
    delayed.set(xlabel="delay of the sound, frames", ylabel="AUC against delayed sound", ylim=(0.4, 1))
    lags.plot([*heard.similarity_by_lag], [*heard.similarity_by_lag.values()], marker="o", markersize=3)
    lags.axvline(0, color="grey", linewidth=0.8, linestyle="--")
    lags.set(xlabel="lag, video − audio, frames", ylabel="mean similarity")
    _draw_spread(spread, heard.values)
    figure.suptitle(f"What the metric “{name}” hears, on speakers it has not seen", fontsize=10)
    _save(figure, path)


def similarity_histogram(values: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw how the similarities of every kind of pair are spread."""
    figure = Figure(figsize=(4, 3.2), layout="constrained")
    _draw_spread(figure.subplots(), values)
    _save(figure, path)


def _draw_spread(axes: object, values: Mapping[str, np.ndarray]) -> None:
    for kind, similarities in values.items():
        bins = BINS if similarities.min() >= 0 else np.linspace(-1, 1, 41)
        axes.hist(similarities, bins, density=True, histtype="step", label=LABELS[kind])
    axes.set(xlabel="similarity", ylabel="density")
    axes.legend(fontsize=7)


def _save(figure: Figure, path: Path) -> None:
    with whole(path) as part:
        figure.savefig(part, format="png", dpi=DPI)


def rebuilt_picture(columns: list[Float[Tensor, "B 3 S S"]], path: Path) -> None:
    """Write pictures in [−1, 1] side by side, a row a sample."""
    rows = np.concatenate(
        [np.concatenate([*((column + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()]) for column in columns],
        axis=1,
    )
    with whole(path) as part:
        cv2.imwrite(str(part), cv2.cvtColor((rows * 255).round().astype(np.uint8), cv2.COLOR_RGB2BGR))
