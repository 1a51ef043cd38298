"""What tests of several rooms share; the folder itself is on the import path for the modules beside this one."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from pipeline import Pipeline, row, settings

from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip


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
    pipeline.run_all("download", "trim", "detect", "crop", "mel")
    return pipeline


@pytest.fixture
def talking(_talking, tmp_path) -> Pipeline:
    """A clip of the demo, `head`, and one that is `gone`, through the stages up to `crop` and `mel`."""
    shutil.copytree(_talking.folder, tmp_path / "talking")
    return Pipeline(tmp_path / "talking", _talking.settings)
