"""Facts about the house: which room imports which, read from the source of every module."""

import ast
import sys
from pathlib import Path

import pytest

from tavce.stages import STAGES

PACKAGE = Path(__file__).parents[1] / "tavce"
MODULES = {
    ".".join(("tavce", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
BASE = {"config", "stages", "shards", "records", "files", "progress", "scratch"}
MEDIA = {"media", "cutting", "damage", "retiming", "soundtrack", "web_video"}
TOOLS = MEDIA | {"boxes", "shard_reader", "store", "weights"}
DATA = BASE | TOOLS | {"faces"}
MAY_IMPORT = {
    "cli": {"config", "records", "stages"},
    **dict.fromkeys(BASE, BASE),
    **dict.fromkeys((*TOOLS, "faces"), DATA),
    "archives": BASE | {"archives"},
    "cluster": BASE | {"cluster"},
    "corpora": DATA | {"corpora", "demo"},
    "sheet": DATA | {"corpora", "sheet"},
    "fetch": BASE | {"media", "fetch"},
    "data": DATA | {"fetch", "data"},
    "demo": DATA | {"demo"},
    "card": DATA | {"card", "data", "fetch"},
    "rerun": BASE | {"rerun"},
    "plan": BASE | {"plan"},
    "networks": {"networks"},
    **dict.fromkeys(("dataset", "loading"), DATA),
    "training": DATA | {"cluster", "data", "dataset", "loading", "networks", "training"},  # data: the funnel is printed
    "published": DATA | {"networks", "training", "published"},
    "metric": DATA | {"dataset", "loading", "networks", "training", "published", "metric"},
    "generator": DATA | {"dataset", "networks", "training", "published", "metric", "generator"},
    "animate": DATA | {"data", "dataset", "networks", "training", "metric", "generator", "animate"},
    "methods": DATA | {"dataset", "networks", "training", "metric", "generator", "methods"},
    "measure": DATA | {"data", "dataset", "networks", "training", "published", "metric", "measure"},
    "evaluate": BASE | {"measure", "evaluate"},
    "report": DATA | {"measure", "evaluate", "report"},
}
LIBRARIES = {
    "archives": {"filelock", "pydantic", "yaml"},
    "cli": set(),
    "stages": set(),
    "shards": set(),
    "files": set(),
    "scratch": set(),
    "config": {"pydantic", "yaml"},
    "records": {"pydantic"},
    "fetch": {"pydantic", "yt_dlp"},
    "progress": {"tqdm"},
    "plan": {"pydantic", "yaml"},
    "rerun": set(),
    "networks": {"torch", "jaxtyping"},
}
ROOMS = {
    "archives",
    "card",
    "cluster",
    "corpora",
    "data",
    "demo",
    "faces",
    "fetch",
    "plan",
    "rerun",
    "scratch",
    "sheet",
}
NEVER = TOOLS | ROOMS
# In rooms without torch, imported by name where a setting or a measure wants them.
TORCH_BACKENDS = {"tavce.faces.deep3d", "tavce.faces.fan", "tavce.faces.syncnet"}
FILES_ONLY = ("tavce.evaluate.tables", "tavce.evaluate.funnel_table", "tavce.evaluate.explain", "tavce.report.report")


def imports(module: str) -> set[str]:
    """Return the modules that a module's source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            below = {f"{node.module}.{name.name}" for name in node.names} & MODULES.keys()
            found |= below or {node.module}
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def everything_below(module: str) -> set[str]:
    """Return all that is imported with a module, libraries by their first name."""
    seen, waiting = set(), [module]
    while waiting:
        for name in imports(waiting.pop()) - seen:
            seen.add(name)
            waiting += [name] if name in MODULES else []
    return {name if name in MODULES else name.split(".")[0] for name in seen}


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) not in ("", "__main__")])
def test_a_room_imports_only_what_it_may(module):
    inside = {room(name) for name in imports(module) if name.startswith("tavce")} - {""}
    assert inside <= MAY_IMPORT[room(module)] | ({"networks"} if module in TORCH_BACKENDS else set())
    outside = {name.split(".")[0] for name in imports(module)} - {"tavce"} - sys.stdlib_module_names
    if room(module) in LIBRARIES:
        assert outside <= LIBRARIES[room(module)]
    if room(module) in NEVER and module not in TORCH_BACKENDS:
        assert "torch" not in everything_below(module)


def test_no_stage_imports_another_stage():
    stages = {stage.module for stage in STAGES.values()} - {"tavce.weights"}  # a table of files, with a stage to fetch
    assert len(stages) == len(STAGES) - 1
    assert {(one, other) for one in stages for other in imports(one) & stages} == set()


def test_every_stage_has_a_module_and_known_arguments():
    for name, stage in STAGES.items():
        if stage.module in MODULES:
            tree = ast.parse(MODULES[stage.module].read_text(encoding="utf-8"))
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert {"arguments", "run"} <= functions, name


@pytest.mark.parametrize("module", FILES_ONLY)
def test_tables_and_report_read_files_only(module):
    assert not {"torch", "mlflow"} & everything_below(module)


def test_only_the_media_modules_call_ffmpeg():
    callers = {
        name for name in MODULES if {"av", "ffmpeg", "imageio_ffmpeg"} & {n.split(".")[0] for n in imports(name)}
    }
    assert callers == {f"tavce.{name}" for name in MEDIA}


def test_only_the_room_that_fetches_calls_yt_dlp():
    assert {room(name) for name in MODULES if "yt_dlp" in {n.split(".")[0] for n in imports(name)}} == {"fetch"}
