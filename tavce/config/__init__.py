"""The settings: one typed tree, checked as a whole before anything runs.

`workflow/config/paper.yaml` holds every value; other files override single ones. A rule's command gets its
own sections only, as JSON, so that a changed setting reruns its stage and what follows, and nothing else.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, create_model, model_validator

from tavce.config.corpora import OWN_SECTIONS, AnyCorpus
from tavce.config.data import (
    Crop,
    Detect,
    Download,
    Gate,
    Mel,
    Motion,
    Section,
    Trim,
)
from tavce.config.explain import SettingsError, explain, known_keys
from tavce.config.learning import (
    Audio2Exp,
    Audio2Pose,
    Metric,
    Renderer,
    Score,
    Synthesise,
    Window,
)
from tavce.stages import RESULT_FOLDERS, STAGES

NAME = re.compile(r"[a-z][a-z0-9_]*")
FIXED_METHODS = ("static", "ground_truth")
PAPER = Path(__file__).parents[2] / "workflow/config/paper.yaml"


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
    mel: Mel
    motion: Motion
    gate: Gate
    window: Window
    metrics: dict[str, Metric] = Field(min_length=1, description="recipes of the metric by name")
    audio2exp: Audio2Exp
    audio2pose: Audio2Pose
    renderers: dict[str, Renderer] = Field(min_length=1, description="variants of the renderer by name")
    synthesise: Synthesise
    score: Score
    methods: dict[str, str] = Field(min_length=1, description="rows of the tables: method → label")

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for name in [*self.corpora, *self.metrics, *self.renderers]:
            if not NAME.fullmatch(name):
                raise ValueError(f"name '{name}': use lower-case letters, digits and _")
        for name in self.corpora:
            if name in RESULT_FOLDERS:
                raise ValueError(f"corpus '{name}' would share the folder results/{name}: choose another name")
        for name, renderer in self.renderers.items():
            if name in FIXED_METHODS:
                raise ValueError(f"renderers.{name}: {name} is a method of its own: choose another name")
            if renderer.metric not in self.metrics:
                raise ValueError(f"renderers.{name}.metric '{renderer.metric}' is none of {[*self.metrics]}")
            if renderer.networks.image_px != self.synthesise.image_px:
                raise ValueError(f"renderers.{name}.networks.image_px is not synthesise.image_px: tables need one size")
        for method in self.methods:
            if method not in (*self.renderers, *FIXED_METHODS):
                raise ValueError(f"methods.{method} is none of {[*self.renderers, *FIXED_METHODS]}")
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
        """Return the sections that `stage` may see, as JSON; `name` picks a recipe, variant or corpus.

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


@cache
def paper() -> Settings:
    """Return the paper's settings, `workflow/config/paper.yaml`.

    Raises:
        SettingsError: the package is used outside its repository.
    """
    if not PAPER.is_file():
        raise SettingsError(f"{PAPER} is not there: install with `pip install -e .` from the repository")
    return load_files(PAPER)


def load(raw: Mapping[str, Any]) -> Settings:
    """Return the checked settings of a merged configuration.

    An entry of `metrics` or `renderers` may say `like: NAME`: it starts from that entry's values.

    Raises:
        SettingsError: every setting that is unknown, missing or out of bounds, one a line.
    """
    raw = dict(raw)
    for collection in ("metrics", "renderers"):
        raw[collection] = _resolve_likes(raw.get(collection) or {}, collection)
    raw["corpora"] = raw.get("corpora") or {}
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(explain(error, known_keys(Settings))) from None
    for dataset in settings.corpora:
        for section in OWN_SECTIONS:
            settings.section(section, dataset)
    return settings


def load_files(*paths: str | Path) -> Settings:
    """Return the checked settings of YAML files, later ones overriding earlier ones.

    Raises:
        SettingsError: a file is not there or is no YAML mapping; and as `load`.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        merged = merge(merged, read_mapping(path, "`section: {key: value}`"))
    return load(merged)


def read_mapping(path: str | Path, form: str) -> dict[str, Any]:
    """Return the mapping in a YAML file; an empty file is an empty one.

    Raises:
        SettingsError: it cannot be read, or holds no mapping; says that it should have this `form`.
    """
    try:
        said = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if not isinstance(said, dict):
        raise SettingsError(f"{path} holds no settings: write {form}")
    return said


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` laid over it, mapping by mapping."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def stage_sections(text: str | None, stage: str, name: str | None) -> str:
    """Return a stage's sections as JSON, from its `--settings`: JSON, a YAML file laid over the paper's, or None.

    Raises:
        SettingsError: as `load_files` and `Settings.sections`.
    """
    if text is None:
        return paper().sections(stage, name)
    return load_files(PAPER, text).sections(stage, name) if text.endswith((".yaml", ".yml")) else text


def parse_sections(text: str) -> dict[str, Any]:
    """Return the typed sections in a stage's `--settings` JSON.

    Raises:
        SettingsError: as `load`.
    """
    try:
        fields = {name: (SECTION_TYPES[name], ...) for name in json.loads(text)}
    except json.JSONDecodeError as error:
        raise SettingsError(f"--settings is no JSON: {error}") from None
    except KeyError as error:
        raise SettingsError(f"--settings: no section {error}, the sections are {[*SECTION_TYPES]}") from None
    try:
        return dict(_model(fields).model_validate_json(text))
    except ValidationError as error:
        raise SettingsError(explain(error, known_keys(Settings))) from None


def _model(fields: dict[str, Any]) -> type[BaseModel]:
    return create_model("Sections", __base__=Section, **fields)


def _resolve_likes(entries: Any, collection: str) -> Any:
    """Return the entries with every `like` filled in; what is no mapping is left to the check to refuse."""
    if not isinstance(entries, Mapping):
        return entries

    def resolve(name: str, seen: tuple[str, ...]) -> dict[str, Any]:
        if name not in entries or name in seen:
            raise SettingsError(f"{collection}.{seen[-1]}.like: '{name}' is no other entry of {collection}")
        if not isinstance(entries[name], Mapping):
            return entries[name]
        entry = dict(entries[name])
        like = entry.pop("like", None)
        return entry if like is None else merge(resolve(like, (*seen, name)), entry)

    return {name: resolve(name, ()) for name in entries}
