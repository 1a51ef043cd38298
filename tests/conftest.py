"""What tests of several rooms share; the folder itself is on the import path for the modules beside this one."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline import Pipeline, row, settings
from tiny_corpus import TinyCorpus, write_corpus
from tiny_runs import LEARNING, Workplace, workplace

from tavce.cli import main
from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip


def pytest_collection_modifyitems(items):
    """Modules with slow tests come first: of workers that each take a module at a time, none is then left alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def demo_video(tmp_path_factory) -> Path:
    """A rendered talking head of three to four seconds, with its exact labels beside it as .npz."""
    clip = dataclasses.replace(
        plan(4, ClipsPerSpeaker(1, 1, 1), seed=5)[0], sentence="Five apples and the purple map were in the open window."
    )
    return render_clip(clip, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def _talking(tmp_path_factory, demo_video) -> Pipeline:
    folder = tmp_path_factory.mktemp("talking")
    pipeline = Pipeline(folder, settings(motion={"expression": 16}))
    pipeline.write_rows(row("head", demo_video), row("gone", folder / "gone.mp4"))
    pipeline.run_all("download", "trim", "detect", "crop", "quality", "mel")
    return pipeline


@pytest.fixture
def talking(_talking, tmp_path) -> Pipeline:
    """A clip of the demo, `head`, and one that is `gone`, through the stages up to `crop` and `mel`."""
    shutil.copytree(_talking.folder, tmp_path / "talking")
    return Pipeline(tmp_path / "talking", _talking.settings)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> TinyCorpus:
    """Five finished clips in miniature, for the stages that learn."""
    return write_corpus(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory) -> Path:
    """An MLflow database without a run: making its tables takes seconds, copying it none."""
    path = tmp_path_factory.mktemp("mlflow_template") / "mlflow.db"
    code = "from tavce.training.mlflow_store import connect; connect().get_experiment_by_name('none')"
    uri = {"MLFLOW_TRACKING_URI": f"sqlite:///{path}"}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **uri}, check=True, capture_output=True)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny, mlflow_template) -> Workplace:
    """Every learning stage, run once to its end in this process."""
    place = workplace(tmp_path_factory.mktemp("trained"), tiny, mlflow_template)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        for name, value in place.environment.items():
            patch.setenv(name, value)
        for stage in LEARNING:
            assert main(place.command(stage)) == 0, stage
    return place
