from pathlib import Path

import numpy as np
import pytest
from coded_video import tone
from tiny_corpus import FRAMES

from tavce.media import VideoFormat, write_video

SIDE = 32


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """Two videos as they are wanted."""
    folder = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("d0", "e0")):
        noise = np.random.default_rng(seed).integers(0, 255, (FRAMES, SIDE, SIDE, 3), np.uint8)
        write_video(folder / f"{name}.mp4", noise, tone(FRAMES / 25), VideoFormat(25, 16_000, 30, "ultrafast"))
    return {name: folder / f"{name}.mp4" for name in ("d0", "e0")}
