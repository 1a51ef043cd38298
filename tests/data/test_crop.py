"""Facts about crops: where they lie, and that landmarks stay on what they marked."""

import itertools
from dataclasses import replace

import cv2
import h5py
import numpy as np
import pytest
from cut_clips import cut
from pipeline import row, settings

from tavce import media, store
from tavce.cutting import CutFormat, Span
from tavce.data.crop import Cropper
from tavce.faces.points import mouth_box
from tavce.media import VideoFormat, write_video
from tavce.records import ClipError

CROP = settings().crop.model_copy(
    update={"size_px": 128, "mouth_px": 24, "margin": 0.0, "max_outside": 0.35, "min_side_px": 0}
)
DOT_PX = (61.0, 47.0)
GREY, WHITE = 40, 255
LEFT_EYE, RIGHT_EYE, LEFT_MOUTH, RIGHT_MOUTH = slice(36, 42), slice(42, 48), 48, 54


def changed(**changes):
    """Return the settings with changes."""
    return CROP.model_copy(update=changes)


def dotted():
    """Return a grey picture uint8 [96, 160, 3] with one bright dot."""
    return cv2.circle(np.full((96, 160, 3), GREY, np.uint8), (int(DOT_PX[0]), int(DOT_PX[1])), 2, (WHITE,) * 3, -1)


def marked(degrees=0.0):
    """Return landmarks float32 [68, 2]: all on the dot, but for eyes and mouth, which are those of a face around it."""
    angle = np.radians(degrees)
    right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    points = np.tile(np.float64(DOT_PX), (68, 1))
    points[LEFT_EYE] -= 9 * right
    points[RIGHT_EYE] += 9 * right
    points[LEFT_MOUTH] += 18 * down - 5 * right
    points[RIGHT_MOUTH] += 18 * down + 5 * right
    return points.astype(np.float32)


def write_clip(folder, frames, boxes, landmarks, first_frame=0):
    """Write frames as a trimmed clip `a`, and where its face is, into in.h5; return its path."""
    wave, shape = np.zeros(640 * len(frames)), (25, 16_000, 1, "fast")
    write_video(folder / "a.mp4", frames, wave, VideoFormat(*shape))
    with h5py.File(folder / "in.h5", "w") as file:
        video = cut(folder / "a.mp4", Span(0, len(frames)), CutFormat(*shape)).video.getvalue()
        file["clips/a/video"] = np.frombuffer(video, np.uint8)
        file["faces/a/boxes"], file["faces/a/landmarks"] = np.float32(boxes), np.float32(landmarks)
        file["faces/a"].attrs["first_frame"] = first_frame
    return folder / "in.h5"


def crop_clip(path, crop_settings, min_frames=2):
    """Return what is made of the clip in in.h5."""
    with h5py.File(path) as file, store.create(path.with_name("out.h5"), store.Origin("crop", 0, "")) as writer:
        result = Cropper(crop_settings, min_frames, file["clips"], file["faces"], path.parent)(row("a", "a.mp4"), None)
        writer.put("a", result.arrays)
    with store.open_shard(path.with_name("out.h5")) as file:
        return replace(result, arrays={name: array[:] for name, array in file["a"].items()})


@pytest.fixture
def cropped(tmp_path):
    """Return a function that crops a clip of grey frames with one bright dot, from these boxes."""

    def crop(box, crop_settings=CROP, points=None, frames=3):
        landmarks = marked() if points is None else points
        path = write_clip(tmp_path, [dotted()] * frames, [box] * frames, [landmarks] * frames)
        return crop_clip(path, crop_settings)

    return crop


def pictures(result):
    offsets, flat = result.arrays["offsets"], result.arrays["frames"]
    return [cv2.imdecode(flat[a:b], cv2.IMREAD_GRAYSCALE) for a, b in itertools.pairwise(offsets)]


def centroid(picture):
    """Return the centre x, y of what is brighter than the grey around it."""
    weights = np.clip(picture.astype(float) - GREY - 20, 0, None)
    return (np.indices(picture.shape)[::-1] * weights).sum(axis=(1, 2)) / weights.sum()


@pytest.mark.parametrize(
    "box", [(30, 20, 94, 84), (45, 30, 77, 62), (30, -10, 94, 54), (40, 28, 72, 92), (50, 0, 146, 96)]
)
@pytest.mark.parametrize("size_px", [64, 128])
@pytest.mark.parametrize("recipe", ["vox", "hdtf", "released"])
def test_landmarks_lie_on_what_they_marked(cropped, box, size_px, recipe):
    result = cropped(box, changed(size_px=size_px, recipe=recipe))
    assert_landmarks_lie_on_the_dot(result, size_px)


@pytest.mark.parametrize("degrees", [-30, 0, 12, 90])
@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_landmarks_lie_on_what_they_marked_in_a_turned_crop_too(cropped, degrees, size_px):
    result = cropped((0, 0, 9, 9), changed(size_px=size_px, recipe="ffhq"), marked(degrees))
    assert_landmarks_lie_on_the_dot(result, size_px)
    (points, *_) = result.arrays["landmarks"]
    assert points[LEFT_EYE.start, 1] == pytest.approx(points[RIGHT_EYE.start, 1], abs=1e-3)


def assert_landmarks_lie_on_the_dot(result, size_px):
    for picture, points in zip(pictures(result), result.arrays["landmarks"], strict=True):
        assert picture.shape == (size_px, size_px)
        assert np.linalg.norm(centroid(picture) - points[5]) < 0.3 + 0.3 * size_px / 128


@pytest.mark.parametrize("recipe", ["vox", "hdtf", "released", "ffhq"])
@pytest.mark.parametrize("box", [(40, 30, 90, 60), (30, -10, 94, 54), (10, 20, 150, 80)])
def test_a_circle_stays_a_circle(cropped, box, recipe):
    (picture, *_) = pictures(cropped(box, changed(recipe=recipe, max_outside=0.5), marked(20)))
    spread = np.nonzero(picture > 150)
    assert abs(np.ptp(spread[0]) - np.ptp(spread[1])) <= 1


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


def test_the_record_says_what_was_cut_out(cropped):
    result = cropped((30, 20, 94, 84))
    numbers = {"first_frame": 0, "frames": 3, "side_px": 64.0, "outside": 0.0, "recipe": "vox", "tubes": 1}
    assert result.numbers == numbers
    said = {name: result.attributes[name] for name in ("first_frame", "recipe", "size_px", "mouth_px")}
    assert said == {"first_frame": 0, "recipe": "vox", "size_px": 128, "mouth_px": 24}
    to_crop = np.float64(result.attributes["to_crop"].split()).reshape(2, 3)
    np.testing.assert_allclose(to_crop, [[2, 0, 2 * -30 + 0.5], [0, 2, 2 * -20 + 0.5]])


@pytest.mark.parametrize("recipe", ["vox", "ffhq"])
def test_of_every_frame_the_mouth_is_stored_by_itself(cropped, recipe):
    result = cropped((30, 20, 94, 84), changed(recipe=recipe, mouth_px=48), marked(10))
    offsets, flat = result.arrays["mouth_offsets"], result.arrays["mouths"]
    assert (len(offsets), offsets[-1]) == (4, len(flat))
    for number, points in enumerate(result.arrays["landmarks"]):
        mouth = cv2.imdecode(flat[offsets[number] : offsets[number + 1]], cv2.IMREAD_GRAYSCALE)
        left, top = mouth_box(points, 48, 128)
        assert mouth.shape == (48, 48)
        shown = pictures(result)[number][top : top + 48, left : left + 48]
        assert np.abs(mouth.astype(float) - shown).mean() < 1
        assert np.linalg.norm(np.add(centroid(mouth), (left, top)) - points[5]) < 0.6


@pytest.mark.parametrize(("recipe", "side_px"), [("hdtf", 64.0), ("ffhq", 72.0)])
def test_recipes_without_tubes_count_none(cropped, recipe, side_px):
    result = cropped((30, 16, 94, 80), changed(recipe=recipe))
    assert "tubes" not in result.numbers
    assert result.numbers["side_px"] == side_px


def test_frames_are_those_of_the_clip_in_its_colours(tmp_path):
    frames = [np.full((64, 64, 3), colour, np.uint8) for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200))]
    result = crop_clip(write_clip(tmp_path, frames, [(0, 0, 64, 64)] * 3, np.zeros((3, 68, 2))), CROP)
    with store.create(tmp_path / "out.h5", store.Origin("crop", 1, "")) as writer:
        writer.put("a", result.arrays)
    with store.open_shard(tmp_path / "out.h5") as file:
        for index, frame in enumerate(media.decode(tmp_path / "a.mp4")):
            decoded = cv2.imdecode(store.picture(file["a"], index), cv2.IMREAD_COLOR)[:, :, ::-1]
            assert np.abs(decoded.mean(axis=(0, 1)) - frame.mean(axis=(0, 1))).max() < 6


@pytest.mark.parametrize(("followed_from", "first"), [(0, 4), (3, 7)])
def test_a_crop_shows_the_frames_of_its_tube_wherever_the_face_was_followed_from(tmp_path, followed_from, first):
    frames = [np.full((96, 160, 3), 10 + 20 * number, np.uint8) for number in range(12)]
    boxes = [(0, 0, 60, 60)] * 4 + [(90, 20, 150, 80)] * 5
    landmarks = [np.full((68, 2), number) for number in range(9)]
    result = crop_clip(write_clip(tmp_path, frames, boxes, landmarks, followed_from), CROP, min_frames=5)
    numbers = {name: result.numbers[name] for name in ("first_frame", "frames", "tubes")}
    assert numbers == {"first_frame": first, "frames": 5, "tubes": 2}
    assert result.attributes["first_frame"] == first
    shown = [picture.mean() for picture in pictures(result)]
    np.testing.assert_allclose(shown, [10 + 20 * number for number in range(first, first + 5)], atol=3)
    in_picture = (result.arrays["landmarks"][:, 0] + 0.5) * 60 / 128 - 0.5 + (90, 20)
    np.testing.assert_allclose(in_picture, [(number, number) for number in range(4, 9)], atol=1e-4)
