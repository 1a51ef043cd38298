"""The settings: one typed tree, checked as a whole before anything runs.

`workflow/config/paper.yaml` holds every value; other files override single ones. A rule's command gets its
own sections only, as JSON, so that a changed setting reruns its stage and what follows, and nothing else.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError, create_model

from tavce.config.corpora import OWN_SECTIONS
from tavce.config.data import Section
from tavce.config.explain import SettingsError, explain, known_keys
from tavce.config.settings import SECTION_TYPES, Settings, merge

PAPER = Path(__file__).parents[2] / "workflow/config/paper.yaml"


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
        _check_lengths(settings, dataset)
    return settings


def _check_lengths(settings: Settings, dataset: str) -> None:
    crop = settings.section("crop", dataset)
    shortest = settings.section("trim", dataset).min_frames
    if crop.max_frames < shortest:
        raise SettingsError(
            f"corpus {dataset}: crop.max_frames is {crop.max_frames}, trim.min_frames is {shortest}: "
            "no crop could be both"
        )
    for name, recipe in settings.metrics.items():
        if recipe.mouth_px > crop.size_px:
            raise SettingsError(
                f"corpus {dataset}: metrics.{name}.mouth_px is {recipe.mouth_px}, crop.size_px is {crop.size_px}: "
                "the mouth is a part of the crop, lower mouth_px"
            )


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
