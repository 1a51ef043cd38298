"""The whole tree of settings, and the part of it that a stage may see."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from tavce.config.corpora import OWN_SECTIONS, AnyCorpus
from tavce.config.data import (
    Crop,
    Detect,
    Download,
    Duplicates,
    Gate,
    Mel,
    Motion,
    Quality,
    Section,
    Trim,
)
from tavce.config.evaluation import Other, Quoted, Report, Score, Synthesise, Tables
from tavce.config.explain import SettingsError, explain, known_keys
from tavce.config.generator import Audio2Exp, Audio2Pose, Renderer
from tavce.config.generator_starts import DEEP3D_ONLY
from tavce.config.learning import Listening, Metric, Window
from tavce.config.variants import Variant, compared, trainings
from tavce.stages import RESULT_FOLDERS, STAGES

NAME = re.compile(r"[a-z][a-z0-9_]*")
FIXED_METHODS = ("ground_truth", "static")


class Settings(Section):
    """Everything a run can be told."""

    corpora: dict[str, AnyCorpus]
    leaks: Literal["stop", "move", "drop"] = Field(
        description="training clips of a speaker or video that is held out too: stop the run, hold them out, drop them"
    )
    download: Download
    trim: Trim
    detect: Detect
    crop: Crop
    quality: Quality
    mel: Mel
    motion: Motion
    duplicates: Duplicates
    gate: Gate
    window: Window
    metrics: dict[str, Metric] = Field(min_length=1, description="recipes of the metric by name")
    listening: Listening
    audio2exp: Audio2Exp
    audio2pose: Audio2Pose
    renderers: dict[str, Variant] = Field(min_length=1, description="variants of the renderer by name")
    synthesise: Synthesise
    score: Score
    tables: Tables
    report: Report
    others: dict[str, Other] = Field(description="other methods by name, known by their videos")
    quoted: dict[str, Quoted] = Field(description="published numbers by name, as rows of their own")
    methods: dict[str, str] = Field(min_length=1, description="rows of the tables: method → label")

    @field_validator("methods")
    @classmethod
    def _in_order(cls, methods: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        """Return the rows as tables have them, whatever file named them first: what is known, others, variants."""
        groups = (FIXED_METHODS, info.data.get("others", ()), methods)
        places = {name: None for group in groups for name in group if name in methods}
        return {name: methods[name] for name in places}

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for name in [*self.corpora, *self.metrics, *self.renderers]:
            if not NAME.fullmatch(name):
                raise ValueError(f"name '{name}': use lower-case letters, digits and _")
        for name in self.corpora:
            if name in RESULT_FOLDERS:
                raise ValueError(f"corpus '{name}' would share the folder results/{name}: choose another name")
            if name.endswith("_ablations"):
                raise ValueError(f"corpus '{name}' would share the name of an ablation table: choose another name")
        for name, renderer in self.renderers.items():
            if name in FIXED_METHODS:
                raise ValueError(f"renderers.{name}: {name} is a method of its own: choose another name")
            if renderer.metric not in self.metrics:
                raise ValueError(f"renderers.{name}.metric '{renderer.metric}' is none of {[*self.metrics]}")
            if renderer.networks.image_px != self.synthesise.image_px:
                raise ValueError(f"renderers.{name}.networks.image_px is not synthesise.image_px: tables need one size")
        for name in self.listening.gates:
            if name not in self.metrics:
                raise ValueError(f"listening.gates.{name} is none of {[*self.metrics]}")
        return self

    @model_validator(mode="after")
    def _methods_are_known(self) -> Self:
        own = (*self.renderers, *FIXED_METHODS)
        for name in self.others:
            if name in own or not NAME.fullmatch(name):
                raise ValueError(f"others.{name}: choose a name of lower-case letters, digits and _, none of {[*own]}")
        for method in self.methods:
            if method not in (*own, *self.others):
                raise ValueError(f"methods.{method} is none of {[*own, *self.others]}")
        if self.tables.baseline not in self.methods:
            raise ValueError(f"tables.baseline '{self.tables.baseline}' is none of methods: {[*self.methods]}")
        if self.score.tavc is not None and self.score.tavc not in self.metrics:
            raise ValueError(f"score.tavc '{self.score.tavc}' is none of {[*self.metrics]}")
        for name, quoted in self.quoted.items():
            taken = [*own, *self.others]
            if name in taken or not NAME.fullmatch(name):
                raise ValueError(f"quoted.{name}: choose a name of lower-case letters, digits and _, none of {taken}")
            if unknown := {*quoted.datasets} - {*self.corpora}:
                raise ValueError(f"quoted.{name}.datasets: {sorted(unknown)} are none of {[*self.corpora]}")
        return self

    @model_validator(mode="after")
    def _starts_know_the_coefficients(self) -> Self:
        starts = {"audio2exp": self.audio2exp, "audio2pose": self.audio2pose}
        starts |= {f"renderers.{name}": renderer for name, renderer in self.renderers.items()}
        for name, section in starts.items():
            if section.start in DEEP3D_ONLY and self.motion.backend != "deep3d":
                raise ValueError(
                    f"{name}.start '{section.start}' knows Deep3DFaceRecon's coefficients only: motion.backend must be "
                    f"deep3d, not {self.motion.backend}"
                )
        return self

    @model_validator(mode="after")
    def _rates_agree(self) -> Self:
        steps_hz = self.mel.sample_rate_hz / self.mel.hop
        for name, value, other, wanted in (
            *self._own_rates(),
            ("mel.sample_rate_hz", self.mel.sample_rate_hz, "trim.sample_rate_hz", self.trim.sample_rate_hz),
            ("window.rate_hz", self.window.rate_hz, "trim.rate_hz", self.trim.rate_hz),
            ("window.mel_rate_hz", self.window.mel_rate_hz, "mel.sample_rate_hz / mel.hop", steps_hz),
        ):
            if value != wanted:
                raise ValueError(f"{name} is {value}, {other} is {wanted:g}: they must be the same")
        return self

    def _own_rates(self) -> list[tuple[str, int, str, int]]:
        names = ("rate_hz", "sample_rate_hz")
        own = [
            (dataset, name, corpus.trim[name])
            for dataset, corpus in self.corpora.items()
            for name in names
            if name in corpus.trim
        ]
        return [
            (f"corpora.{dataset}.trim.{name}", value, f"trim.{name}", getattr(self.trim, name))
            for dataset, name, value in own
        ]

    @property
    def trainings(self) -> dict[str, Renderer]:
        """Every training of a renderer by its name: each variant with each of its seeds."""
        return trainings(self.renderers)

    @property
    def compared(self) -> list[str]:
        """The names of everything whose test videos are made and scored, in the order of the tables' rows."""
        return compared(self.methods, self.renderers)

    @property
    def ablations(self) -> list[str]:
        """The rows that are in ablation tables alone: variants of the renderer, where the baseline is one of them."""
        if self.tables.baseline not in self.renderers:
            return []
        return [name for name in self.methods if name in self.renderers and name != self.tables.baseline]

    def section(self, name: str, dataset: str | None = None) -> Section:
        """Return a section, with what a corpus says for itself laid over it.

        Raises:
            SettingsError: a setting of the corpus is unknown or out of bounds.
        """
        section = getattr(self, name)
        own = getattr(self.corpora[dataset], name) if dataset in self.corpora and name in OWN_SECTIONS else {}
        if not own:
            return section
        try:
            return type(section).model_validate(merge(section.model_dump(), own))
        except ValidationError as error:
            raise SettingsError(explain(error, known_keys(type(section)), f"corpora.{dataset}.{name}.")) from None

    def sections(self, stage: str, name: str | None = None, pace: bool = True) -> str:
        """Return the sections that `stage` may see, as JSON; `name` picks a recipe, training or corpus.

        Without `pace`, settings are left out that change no result (`Section.PACE`).

        Raises:
            SettingsError: there is none of that name.
        """
        chosen = {}
        for section in STAGES[stage].sections:
            key = COLLECTIONS.get(section, section)
            if section in OWN_SECTIONS:
                own = self.section(section, name)
                chosen[section] = own.model_dump(mode="json", exclude=set() if pace else own.PACE)
                continue
            if section == "renderer":  # a training does not depend on which other seeds there are
                value = {run: renderer.model_dump(mode="json") for run, renderer in self.trainings.items()}
            else:
                value = self.model_dump(mode="json", include={key})[key]
            if key != section and name not in value:
                raise SettingsError(f"--name {name} is none of {key}: {[*value]}")
            chosen[section] = value if key == section else value[name]
        return json.dumps(chosen, sort_keys=True, separators=(",", ":"))


COLLECTIONS = {"corpus": "corpora", "metric": "metrics", "renderer": "renderers"}
SECTION_TYPES: dict[str, Any] = {
    **{name: field.annotation for name, field in Settings.model_fields.items()},
    "corpus": AnyCorpus,
    "metric": Metric,
    "renderer": Renderer,
}


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` laid over it, mapping by mapping."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged
