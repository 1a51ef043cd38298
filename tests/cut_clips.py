"""Cut clips as `tavce.cutting` does, with the picture read back into memory."""

import io
import tempfile
from dataclasses import replace
from pathlib import Path

from tavce import cutting
from tavce.cutting import Clip, CutFormat, Span


def cut(path: Path, span: Span, shape: CutFormat) -> Clip:
    """Cut a span of a video; the clip's `video` is an open file in memory."""
    with tempfile.TemporaryDirectory() as folder:
        clip = cutting.cut(path, span, shape, folder)
        return replace(clip, video=io.BytesIO(clip.video.read_bytes()))
