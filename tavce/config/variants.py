"""Variants of the face renderer, and the trainings that they stand for: one for every seed.

The training with `training.seed` has the variant's name, `ours`; another seed's has the seed behind it, `ours-2025`.
Names of variants hold no `-`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from tavce.config.generator import Renderer

Seed = Annotated[int, Field(ge=0)]
MARK = "-"  # between a variant's name and a seed


class Variant(Renderer):
    """One variant of the face renderer, with the seeds that it is trained with."""

    more_seeds: tuple[Seed, ...] = Field(
        description="besides training.seed: each trains the variant anew; the tables have the mean and the spread"
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        counts = Counter((self.training.seed, *self.more_seeds))
        if repeated := [seed for seed, count in counts.items() if count > 1]:
            raise ValueError(
                f"more_seeds {[*self.more_seeds]} repeat {repeated[0]}, training.seed {self.training.seed} counted: "
                "name every seed once"
            )
        return self


def trainings(variants: Mapping[str, Variant]) -> dict[str, Renderer]:
    """Return every training by its name: each variant with each of its seeds, `training.seed` first."""
    found = {}
    for name, variant in variants.items():
        seeds = (variant.training.seed, *variant.more_seeds)
        found |= {run: _with_seed(variant, seed) for run, seed in zip(runs_of(name, variants), seeds, strict=True)}
    return found


def runs_of(method: str, variants: Mapping[str, Variant]) -> list[str]:
    """Return the names under which a row of the tables is made: of a variant's trainings, else the method's own."""
    seeds = variants[method].more_seeds if method in variants else ()
    return [method, *(f"{method}{MARK}{seed}" for seed in seeds)]


def compared(methods: Iterable[str], variants: Mapping[str, Variant]) -> list[str]:
    """Return the names of everything whose test videos are made: of every row's runs, in the order of the rows."""
    return [run for method in methods for run in runs_of(method, variants)]


def method_of(run: str) -> str:
    """Return the variant, or the row of the tables, that a run stands for."""
    return run.partition(MARK)[0]


def seed_of(run: str) -> str | None:
    """Return the seed in a run's name; None where it has none: it is the one of `training.seed`."""
    return run.partition(MARK)[2] or None


def _with_seed(variant: Variant, seed: int) -> Renderer:
    settings = {name: getattr(variant, name) for name in Renderer.model_fields}
    return Renderer(**settings | {"training": variant.training.model_copy(update={"seed": seed})})
