"""Facts about the face that is followed where a clip's corpus names it, among two heads side by side."""

import cv2
import numpy as np
import pytest
from pipeline import Pipeline, row, settings

from tavce import boxes, store
from tavce.media import VideoFormat, decode, write_video

FRAMES, WIDTH_PX, HEIGHT_PX = 24, 640, 360
SMALL, LARGE = (60, 120, 180), (320, 30, 300)  # left, top and side of the two heads
WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=12, preset="ultrafast")


def around(points: np.ndarray, side: float) -> str:
    """Return a square of so many times a face's width around it, as the annotation writes it."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    side *= right - left
    return f"{(left + right - side) / 2:.1f} {(top + bottom - side) / 2:.1f} {side:.1f} {side:.1f}"


@pytest.fixture(scope="module")
def faces(demo_video) -> dict[str, np.ndarray]:
    """The landmarks [T, 68, 2] px of both heads in the picture."""
    labels = np.load(demo_video.with_suffix(".npz"))["landmarks"][:FRAMES]
    side_px = next(decode(demo_video)).shape[0]
    return {
        name: labels * side / side_px + (left, top)
        for name, (left, top, side) in {"small": SMALL, "large": LARGE}.items()
    }


@pytest.fixture(scope="module")
def detected(tmp_path_factory, demo_video, faces) -> Pipeline:
    """The picture of both heads, not annotated, and annotated in the ways that corpora do."""
    folder = tmp_path_factory.mktemp("two_heads")
    frames = []
    for head, _ in zip(decode(demo_video), range(FRAMES), strict=False):
        picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 90, np.uint8)
        for left, top, side in (SMALL, LARGE):
            picture[top : top + side, left : left + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
        frames.append(picture)
    noise = np.random.default_rng(0).normal(size=FRAMES * 640) * 0.1
    write_video(folder / "a.mp4", frames, noise, WRITE)
    annotations = {
        "nothing": None,
        "tight_small": [around(points, 1) for points in faces["small"]],
        "loose_small": [around(faces["small"][0], 2.2)] * FRAMES,
        "tight_large": [around(points, 1) for points in faces["large"]],
        "between": ["250 150 40 40"] * FRAMES,
    }
    pipeline = Pipeline(folder, settings(trim={"preset": "ultrafast", "crf": 12, "min_frames": FRAMES}))
    packed = {name: boxes.pack(boxes.pixels(HEIGHT_PX), told) if told else "" for name, told in annotations.items()}
    source = {"source": folder / "a.mp4", "end_frame": FRAMES - 1}
    pipeline.write_rows(*(row(name, boxes=text, **source) for name, text in packed.items()))
    pipeline.run_all("download", "trim", "detect")
    return pipeline


@pytest.mark.parametrize(
    ("name", "head"),
    [("nothing", "large"), ("tight_small", "small"), ("loose_small", "small"), ("tight_large", "large")],
)
def test_the_annotated_head_is_followed_and_without_annotation_the_larger(detected, faces, name, head):
    assert detected.reasons("detect")[name] is None
    with store.open_shard(detected.h5("detect")) as file:
        found = file[name]["landmarks"][:]
    width_px = np.ptp(faces[head][:, :, 0], axis=1).mean()
    assert np.linalg.norm(found - faces[head], axis=-1)[:, 17:].mean() < 0.08 * width_px


def test_a_clip_whose_annotated_face_is_not_found_is_dropped(detected):
    record = detected.records("detect")["between"]
    assert (record.reason, record.lost_at) == ("other_face", "detect")
    assert record.detail == (
        "of 2 faces the best lies with 0% of itself in the annotated box, detect.min_annotated_share is 30%"
    )


def test_the_record_says_how_much_of_the_face_lay_in_the_annotated_box(detected):
    numbers = {name: record.numbers for name, record in detected.records("detect").items()}
    assert numbers["loose_small"]["annotated_share"] == 1
    assert 0.6 < numbers["tight_small"]["annotated_share"] <= 1
    assert "annotated_share" not in numbers["nothing"]
    assert numbers["nothing"]["tracks"] == 2
