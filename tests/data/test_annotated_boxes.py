"""Facts about annotated face boxes: they lie on the trimmed picture where the annotation means them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from coded_video import ffmpeg, steady, tone, turn, write_coded
from pipeline import Pipeline, row, settings

from tavce import boxes, store
from tavce.media import VideoFormat, decode, write_video

pytestmark = pytest.mark.slow

WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
FRAMES, LINES = 24, 360
SETTINGS = settings(trim={"preset": "ultrafast", "min_frames": 8})
REAL = Path(__file__).parents[3] / "shared/data/voxceleb1/txt/id10130/7bsVPobprgw/00001.txt"
MADE_UP = (
    "Identity  : \tid10001\nReference : \tabcdefghijk\nOffset    : \t-2\nFV Conf   : \t22.978\nASD Conf  : \t7.056\n\n"
    "FRAME \tX \tY \tW \tH \n"
    + "".join(f"{594 + n:06} \t{154 + 7 * n} \t{105 - 3 * n} \t91 \t{91 + n // 4} \n" for n in range(FRAMES))
)


def annotated(text: str) -> list[tuple[int, int, int, int]]:
    """Return x, y, width and height, in a picture of 360 lines, of the first frames of a VoxCeleb1 file."""
    lines = text.partition("H \n")[2].splitlines()[:FRAMES]
    return [tuple(map(int, line.split()[1:])) for line in lines]


@dataclass(frozen=True)
class Shape:
    """A picture as it is stored."""

    width_px: int
    height_px: int
    pixel: Fraction = Fraction(1)  # how wide a pixel is to be shown, in its heights

    def drawn(self, faces: list[tuple[int, int, int, int]]) -> Iterator[np.ndarray]:
        """Yield a dark picture for every face, with a bright rectangle where it is."""
        across, down = self.height_px / LINES / float(self.pixel), self.height_px / LINES
        for x, y, width, height in faces:
            rows = covered(self.height_px, y * down, (y + height) * down)
            columns = covered(self.width_px, x * across, (x + width) * across)
            grey = 30 + 200 * np.outer(rows, columns)
            yield np.repeat(grey.round().astype(np.uint8)[:, :, None], 3, axis=2)


def covered(pixels: int, start: float, end: float) -> np.ndarray:
    """Return which share [pixels] of every pixel of a line lies between two places."""
    left = np.arange(pixels)
    return np.clip(np.minimum(left + 1, end) - np.maximum(left, start), 0, 1)


def found_box(frame: np.ndarray) -> np.ndarray:
    """Return left, top, right, bottom of what is bright in a frame, px."""
    bright = frame.mean(axis=2) > 130
    columns, rows = np.flatnonzero(bright.any(axis=0)), np.flatnonzero(bright.any(axis=1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def trimmed(folder: Path, source: Path, **said) -> dict[str, np.ndarray]:
    """Return the arrays of a source's one clip after trimming."""
    pipeline = Pipeline(folder, SETTINGS)
    pipeline.write_rows(row("a", source, **said))
    pipeline.run_all("download", "trim")
    assert pipeline.reasons("trim") == {"a": None}
    with store.open_shard(pipeline.h5("trim")) as file:
        return {name: array[:] for name, array in file["a"].items()}


def video(path: Path, shape: Shape, faces: list[tuple[int, int, int, int]], *turn: str) -> Path:
    """Write a video that shows the faces from frame 4 on, and nothing before and after."""
    nothing = [np.full((shape.height_px, shape.width_px, 3), 30, np.uint8)] * 4
    frames = [*nothing, *shape.drawn(faces), *nothing]
    write_video(path.with_name("square.mp4"), frames, tone(len(frames) / 25), WRITE)
    pixel = f"h264_metadata=sample_aspect_ratio={shape.pixel.numerator}/{shape.pixel.denominator}"
    ffmpeg("-i", path.with_name("square.mp4"), "-c", "copy", "-bsf:v", pixel, path)
    return path


@pytest.fixture(params=["made up", "real"])
def faces(request) -> list[tuple[int, int, int, int]]:
    """The boxes of a VoxCeleb1 file."""
    if request.param == "made up":
        return annotated(MADE_UP)
    if not REAL.is_file():
        pytest.skip(f"{REAL} is not there: real annotation files lie beside the repository or nowhere")
    return annotated(REAL.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("shape", "size_px"),
    [
        (Shape(1280, 720), (1280, 720)),
        (Shape(640, 360), (640, 360)),
        (Shape(640, 480), (640, 480)),
        (Shape(720, 576, Fraction(16, 15)), (768, 576)),
        (Shape(854, 480, Fraction(1280, 1281)), (854, 480)),
        (Shape(720, 480, Fraction(32, 27)), (854, 480)),
    ],
    ids=str,
)
def test_voxceleb1_boxes_are_where_the_annotation_means_them_in_every_frame(tmp_path, faces, shape, size_px):
    source = video(tmp_path / "a.mp4", shape, faces)
    packed = boxes.pack(boxes.pixels(LINES), [" ".join(map(str, face)) for face in faces])
    clip = trimmed(tmp_path, source, start_frame=4, end_frame=3 + FRAMES, boxes=packed)
    frames = list(decode(BytesIO(clip["video"])))
    assert frames[0].shape == (*size_px[::-1], 3)
    assert clip["boxes"].dtype == np.float32
    assert clip["boxes"].shape == (FRAMES, 4)
    assert np.abs(clip["boxes"] - [found_box(frame) for frame in frames]).max() < 1.5
    assert len(np.unique(clip["boxes"], axis=0)) > 1


def test_boxes_of_a_turned_video_lie_on_the_picture_as_it_is_shown(tmp_path):
    faces = [(20 + 4 * n, 250 - 3 * n, 60, 60) for n in range(FRAMES)]
    upright = video(tmp_path / "upright.mp4", Shape(360, 640), [tuple(v * 0.5625 for v in face) for face in faces])
    ffmpeg("-i", upright, "-vf", "transpose=cclock", "-c:a", "copy", tmp_path / "lying.mp4")
    turned = turn(tmp_path / "lying.mp4", tmp_path / "turned.mp4", 90)
    packed = boxes.pack(boxes.pixels(640), [" ".join(map(str, face)) for face in faces])
    clip = trimmed(tmp_path, turned, start_frame=4, end_frame=3 + FRAMES, boxes=packed)
    frames = list(decode(BytesIO(clip["video"])))
    assert frames[0].shape == (640, 360, 3)
    assert np.abs(clip["boxes"] - [found_box(frame) for frame in frames]).max() < 1.5


def test_hdtfs_boxes_follow_the_picture_to_the_height_it_was_downloaded_at(tmp_path):
    source = video(tmp_path / "a.mp4", Shape(1280, 720), [(0, 0, 9, 9)] * FRAMES)
    packed = boxes.pack(boxes.pixels(1080), ["411 0 600 600"] * FRAMES)
    clip = trimmed(tmp_path, source, start_frame=0, end_frame=FRAMES - 1, boxes=packed)
    np.testing.assert_allclose(clip["boxes"], [[274, 0, 674, 400]] * FRAMES)


def test_voxceleb2s_fractions_are_of_the_shown_picture(tmp_path):
    source = video(tmp_path / "a.mp4", Shape(720, 576, Fraction(16, 15)), [(0, 0, 9, 9)] * FRAMES)
    packed = boxes.pack(boxes.FRACTION, ["0.25 0.125 0.5 0.75"] * FRAMES)
    clip = trimmed(tmp_path, source, start_frame=0, end_frame=FRAMES - 1, boxes=packed)
    np.testing.assert_allclose(clip["boxes"], [[192, 72, 576, 504]] * FRAMES)


def test_a_clip_that_is_not_annotated_has_no_boxes(tmp_path):
    clip = trimmed(tmp_path, write_coded(tmp_path / "a.mp4", steady(25, 20), tone(0.8)))
    assert set(clip) == {"video", "wave"}


@pytest.mark.parametrize(("count", "end"), [(19, 19), (21, 19), (19, None)])
def test_another_number_of_boxes_than_frames_is_a_bad_annotation(tmp_path, count, end):
    source = write_coded(tmp_path / "a.mp4", steady(25, 20), tone(0.8))
    pipeline = Pipeline(tmp_path, SETTINGS)
    pipeline.write_rows(row("a", source, end_frame=end, boxes=boxes.pack(boxes.pixels(360), ["1 2 3 4"] * count)))
    pipeline.run_all("download", "trim")
    record = pipeline.records("trim")["a"]
    assert (record.reason, record.detail) == ("bad_annotation", f"{count} boxes annotated for 20 frames")
