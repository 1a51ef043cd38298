"""A small video to serve, and a pipeline whose downloads lose no time."""

from pathlib import Path

import pytest
from coded_video import steady, tone, write_coded
from fast_downloads import FAST
from pipeline import Pipeline, settings


@pytest.fixture(scope="session")
def video(tmp_path_factory) -> Path:
    return write_coded(tmp_path_factory.mktemp("video") / "v.mp4", steady(25, 30), tone(1.2))


@pytest.fixture
def mine(tmp_path) -> Pipeline:
    return Pipeline(tmp_path, settings(download=FAST))
