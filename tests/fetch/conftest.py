"""A small video to serve, and a pipeline whose downloads lose no time."""

from pathlib import Path

import pytest
from coded_video import ffmpeg, steady, tone, write_coded
from fast_downloads import FAST
from pipeline import Pipeline, settings


@pytest.fixture(scope="session")
def video(tmp_path_factory) -> Path:
    return write_coded(tmp_path_factory.mktemp("video") / "v.mp4", steady(25, 30), tone(1.2))


@pytest.fixture(scope="session")
def long_video(tmp_path_factory) -> Path:
    """A video of some hundred thousand bytes, which take several blocks."""
    path = tmp_path_factory.mktemp("video") / "long.mp4"
    picture = "testsrc2=s=320x240:r=25:d=1.2,noise=alls=80:allf=t"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=1.2", "-crf", "20", "-pix_fmt", "yuv420p", path)
    return path


@pytest.fixture
def mine(tmp_path) -> Pipeline:
    return Pipeline(tmp_path, settings(download=FAST))
