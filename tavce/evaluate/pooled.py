"""Cells of pooled metrics: Fréchet distances of the features that the score stage kept.

A Fréchet distance depends on how many frames it is made of, so every one is of `tables.frechet_n` frames: the mean over
`tables.frechet_subsets` subsets of them, which also say its spread.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce.config.evaluation import Tables
from tavce.evaluate.frechet import subset_distances
from tavce.evaluate.seeds import mean_and_sd
from tavce.evaluate.table import Cell
from tavce.evaluate.values import Values, first_reason

NO_INTERVAL = "a distance of all clips together: its spread is over subsets"


@dataclass(frozen=True)
class Frechet:
    """One pooled metric: its name, how many frames it needs, and the files of features by run."""

    name: str
    ask: Tables
    features: Mapping[str, str]

    def distances(self, run: str) -> np.ndarray | str:
        """Return the distance of every subset of a run's frames, [subsets]; or why there is none."""
        path = self.features.get(run)
        if path is None or not Path(path).is_file():
            return "no features were kept"
        with np.load(path, allow_pickle=False) as kept:
            if f"{self.name}.made" not in kept.files:
                return "no features were kept"
            made, real, clips = kept[f"{self.name}.made"], kept[f"{self.name}.real"], kept[f"{self.name}.clips"]
        if len(made) < self.ask.frechet_n:
            return f"{len(made)} frames have features, tables.frechet_n is {self.ask.frechet_n}"
        subsets, seed = self.ask.frechet_subsets, self.ask.seed
        return np.asarray(subset_distances(made, real, clips, self.ask.frechet_n, subsets, seed), dtype=np.float64)


def pooled_cell(ask: Frechet, runs: Sequence[str], values: Values) -> Cell:
    """Return the cell of a pooled metric: the mean over seeds of the mean over subsets.

    Args:
        ask: the metric and its features.
        runs: the method's runs, one a seed.
        values: which clips have no features, and why.
    """
    found = [ask.distances(run) for run in runs]
    whys = [why for why in found if isinstance(why, str)] or ["no clip was scored"]
    by_seed = [None if isinstance(distances, str) else float(distances.mean()) for distances in found]
    spreads = [float(distances.std(ddof=1)) for distances in found if not isinstance(distances, str)]
    value, sd = mean_and_sd(by_seed)
    return Cell(
        value=value,
        sd_seeds=sd,
        sd_subsets=statistics.fmean(spreads) if spreads else None,
        seed_values=tuple(by_seed),
        n=ask.ask.frechet_n if spreads else 0,
        seed_n=tuple(0 if number is None else ask.ask.frechet_n for number in by_seed),
        dropped=values.dropped,
        missing=values.missing,
        why_no_value=None if spreads else _why(whys[0], values.missing),
        why_no_interval=NO_INTERVAL if spreads else _why(whys[0], values.missing),
    )


def _why(why: str, missing: Mapping[str, int]) -> str:
    return f"{why}: {first_reason(missing)}" if missing else why
