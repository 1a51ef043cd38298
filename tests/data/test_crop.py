"""Facts about crops: where they lie, and that landmarks stay on what they marked."""

import itertools

import cv2
import h5py
import numpy as np
import pytest
from pipeline import row, settings

from tavce import media, store
from tavce.cutting import CutFormat, Span, cut
from tavce.data.crop import Cropper, union_box
from tavce.media import VideoFormat, write_video
from tavce.records import ClipError

CROP = settings().crop.model_copy(update={"size_px": 128, "margin": 0.0, "max_outside": 0.35})
DOT_PX = (61.0, 47.0)


def test_the_union_is_a_square_around_all_boxes():
    boxes = np.array([[10, 20, 30, 40], [14, 20, 50, 44]])
    np.testing.assert_allclose(union_box(boxes, 0), [10, 12, 50, 52])


def test_the_margin_widens_each_side_by_its_share_of_the_square():
    np.testing.assert_allclose(union_box(np.array([[10, 20, 30, 40]]), 0.25), [5, 15, 35, 45])


@pytest.fixture
def cropped(tmp_path):
    """Return a function that crops a clip of grey frames with one bright dot, from these boxes."""

    def crop(box, crop_settings=CROP, frames=3):
        picture = np.full((96, 160, 3), 40, np.uint8)
        cv2.circle(picture, (int(DOT_PX[0]), int(DOT_PX[1])), 2, (255, 255, 255), -1)
        write_video(tmp_path / "a.mp4", [picture] * frames, np.zeros(640 * frames), VideoFormat(25, 16_000, 1, "fast"))
        clip = cut(tmp_path / "a.mp4", Span(0, frames), CutFormat(25, 16_000, 1, "fast"))
        with h5py.File(tmp_path / "in.h5", "w") as file:
            file["clips/a/video"] = np.frombuffer(clip.video, np.uint8)
            file["faces/a/boxes"] = np.tile(np.float32(box), (frames, 1))
            file["faces/a/landmarks"] = np.tile(np.float32(DOT_PX), (frames, 68, 1))
            return Cropper(crop_settings, file["clips"], file["faces"])(row("a", "a.mp4"), None)

    return crop


def pictures(result):
    offsets, flat = result.arrays["offsets"], result.arrays["frames"]
    return [cv2.imdecode(flat[a:b], cv2.IMREAD_GRAYSCALE) for a, b in itertools.pairwise(offsets)]


def brightest(picture):
    """Return the centre x, y of what is bright."""
    rows, columns = np.nonzero(picture > 150)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize(
    "box", [(30, 20, 94, 84), (45, 30, 77, 62), (30, -10, 94, 54), (40, 28, 72, 92), (50, 0, 146, 96)]
)
@pytest.mark.parametrize("size_px", [64, 128])
def test_landmarks_lie_on_what_they_marked(cropped, box, size_px):
    result = cropped(box, CROP.model_copy(update={"size_px": size_px}))
    for picture, points in zip(pictures(result), result.arrays["landmarks"], strict=True):
        assert picture.shape == (size_px, size_px)
        assert np.linalg.norm(brightest(picture) - points[5]) < 0.75


def test_a_face_is_never_squashed(cropped):
    (picture, *_) = pictures(cropped((40, 30, 90, 60)))
    rows, columns = np.nonzero(picture > 150)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1


def test_what_lies_outside_the_picture_is_its_reflection(cropped):
    result = cropped((30, -22, 94, 42))
    (picture, *_) = pictures(result)
    np.testing.assert_allclose(picture[:44], picture[44:88][::-1], atol=12)
    assert result.numbers["outside"] == pytest.approx(22 / 64, abs=1e-4)


def test_a_crop_too_far_outside_is_dropped(cropped):
    with pytest.raises(
        ClipError, match=r"out_of_frame: 36% of the crop lies outside the picture, crop.max_outside is 35%"
    ):
        cropped((30, -23, 94, 41))


def test_the_record_has_frames_and_side(cropped):
    result = cropped((30, 20, 94, 84))
    assert result.numbers == {"frames": 3, "side_px": 64, "outside": 0.0}
    assert result.attributes == {"box_px": "30,20,94,84", "size_px": 128}


def test_frames_are_those_of_the_clip_in_its_colours(tmp_path):
    frames = [np.full((64, 64, 3), colour, np.uint8) for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200))]
    write_video(tmp_path / "a.mp4", frames, np.zeros(1920), VideoFormat(25, 16_000, 1, "fast"))
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["clips/a/video"] = np.frombuffer(
            cut(tmp_path / "a.mp4", Span(0, 3), CutFormat(25, 16_000, 1, "fast")).video, np.uint8
        )
        file["faces/a/boxes"] = np.tile(np.float32([0, 0, 64, 64]), (3, 1))
        file["faces/a/landmarks"] = np.zeros((3, 68, 2), np.float32)
        result = Cropper(CROP, file["clips"], file["faces"])(row("a", "a.mp4"), None)
    with store.create(tmp_path / "out.h5", store.Origin("crop", 1, "")) as writer:
        writer.put("a", result.arrays)
    with store.open_shard(tmp_path / "out.h5") as file:
        for index, frame in enumerate(media.decode(tmp_path / "a.mp4")):
            decoded = cv2.imdecode(store.picture(file["a"], index), cv2.IMREAD_COLOR)[:, :, ::-1]
            assert np.abs(decoded.mean(axis=(0, 1)) - frame.mean(axis=(0, 1))).max() < 6
