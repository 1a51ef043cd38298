"""Facts about a face found in a picture and cut out: it is what the data stages make of a clip of the same frame."""

import cv2
import numpy as np
import pytest
from made_up_faces import moving_face
from PIL import Image
from pipeline import Pipeline, row, settings

from tavce import media, store
from tavce.animate import finding, portrait
from tavce.animate.finding import find_faces
from tavce.animate.picture import read_picture
from tavce.animate.portrait import crop_portrait
from tavce.data.coefficients import read_pictures
from tavce.data.crop import compress
from tavce.demo.portrait import load_portrait
from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import frontalise, head_pose
from tavce.faces.points import eye_opening
from tavce.media import VideoFormat, write_video
from tavce.records import InputError

EXPRESSION = 16
FACE = np.s_[20:340, 70:390]  # of the portrait: the face is large enough not to be looked at from near or in parts
SECTIONS = {name: getattr(settings(), name) for name in ("detect", "crop", "motion")}


@pytest.fixture(scope="module")
def astronaut():
    return np.ascontiguousarray(load_portrait().picture[FACE])


@pytest.fixture(scope="module")
def basis():
    landmarks = moving_face(90, 1)
    return ExpressionBasis.fit(frontalise(landmarks, head_pose(landmarks)), EXPRESSION)


def changed(section, **changes):
    return {**SECTIONS, section: SECTIONS[section].model_copy(update=changes)}


def on_ground(picture, left, top, size=(800, 600), scale=1.0):
    """Return a picture on a grey ground of some width and height."""
    width, height = size
    ground = np.full((height, width, 3), 110, np.uint8)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: height - top, : width - left]
    ground[top : top + len(small), left : left + small.shape[1]] = small
    return ground


@pytest.mark.parametrize("recipe", ["vox", "ffhq"])
def test_a_frame_of_a_clip_gets_the_crop_and_the_coefficients_of_the_data_stages(tmp_path, astronaut, basis, recipe):
    short = {"trim": {"min_frames": 4, "crf": 1}, "crop": {"recipe": recipe}, "motion": {"expression": EXPRESSION}}
    pipeline = Pipeline(tmp_path, settings(**short))
    noise = np.random.default_rng(0).integers(-3000, 3000, 640 * 6).astype(np.float32) / 32768
    write_video(tmp_path / "still.mp4", [astronaut] * 6, noise, VideoFormat(25, 16_000, 1, "fast"))
    pipeline.write_rows(row("still", tmp_path / "still.mp4"))
    pipeline.run_all("download", "trim", "detect", "crop")
    with store.open_shard(pipeline.h5("trim")) as shard:
        frame = next(media.decode(store.reader(shard["still/video"])))
    with store.open_shard(pipeline.h5("crop")) as shard:
        (stored,) = read_pictures(shard["still"], [0])
        landmarks, to_crop = shard["still/landmarks"][0], shard["still"].attrs["to_crop"]
    sections = {name: getattr(pipeline.settings, name) for name in SECTIONS}
    made = crop_portrait(frame, sections, basis, 256, None)
    np.testing.assert_allclose(made.to_crop.ravel(), [float(number) for number in to_crop.split()], atol=0.1)
    jpeg, _ = compress(made.picture, landmarks, sections["crop"])
    again = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(again - stored.astype(int)).mean() < 1
    np.testing.assert_allclose(made.coefficients, basis.motion(landmarks[None], 256)[0], atol=1e-3)
    assert made.blink == pytest.approx(float(eye_opening(landmarks)), abs=1e-4)


def test_what_is_returned_has_the_renderers_size_and_the_basis_number_of_coefficients(astronaut, basis):
    made = crop_portrait(astronaut, SECTIONS, basis, 64)
    assert (made.picture.shape, made.picture.dtype) == ((64, 64, 3), np.uint8)
    assert (made.coefficients.shape, made.coefficients.dtype) == ((EXPRESSION + 6,), np.float32)
    assert made.faces == 1
    assert made.full is astronaut


@pytest.mark.parametrize("image_px", [64, 256])
@pytest.mark.parametrize("recipe", ["vox", "ffhq"])
def test_the_map_says_where_the_crop_lies(astronaut, basis, image_px, recipe):
    made = crop_portrait(astronaut, changed("crop", recipe=recipe), basis, image_px)
    smooth = cv2.GaussianBlur(astronaut, (0, 0), 4)
    warped = cv2.warpAffine(smooth, made.to_crop, (image_px, image_px), borderMode=cv2.BORDER_REFLECT)
    blurred = cv2.GaussianBlur(made.picture, (0, 0), 4 * np.hypot(*made.to_crop[0, :2]))
    assert np.abs(warped - blurred.astype(int)).mean() < 2


@pytest.mark.parametrize("kind", ["turned by EXIF", "grey", "transparent", "16 bits"])
def test_the_same_face_is_found_in_a_file_of_any_kind(tmp_path, astronaut, kind):
    path, image, notes = tmp_path / "a.png", Image.fromarray(astronaut), Image.Exif()
    if kind == "16 bits":
        cv2.imwrite(str(path), astronaut[:, :, ::-1].astype(np.uint16) * 257)
    elif kind == "turned by EXIF":
        notes[0x112] = 6
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=notes)
    else:
        image.convert("L" if kind == "grey" else "RGBA").save(path)
    wanted, found = (find_faces(picture, SECTIONS["detect"]) for picture in (astronaut, read_picture(path)))
    np.testing.assert_allclose(found.boxes_px, wanted.boxes_px, atol=3)
    np.testing.assert_allclose(found.landmarks_px, wanted.landmarks_px, atol=3)


def test_of_several_faces_the_largest_is_taken_unless_another_is_asked_for(astronaut, basis, caplog):
    near = astronaut[10:230, 50:260]
    pair = np.hstack([on_ground(near, 0, 20, (150, 220), 0.7), near])
    made = [crop_portrait(pair, SECTIONS, basis, 256, face) for face in (None, 1)]
    centres = [np.linalg.inv(one.to_crop[:, :2]) @ (128 - one.to_crop[:, 2]) for one in made]
    assert [one.faces for one in made] == [2, 2]
    assert centres[1][0] < 150 < centres[0][0]
    said = [record.getMessage() for record in caplog.records if "faces were found" in record.getMessage()]
    assert said[0].startswith("2 faces were found (0 at x ")
    assert [text[-15:] for text in said] == ["face 0 is taken", "face 1 is taken"]
    for face in (-1, 2):
        with pytest.raises(InputError, match=f"face {face} is asked for, the picture has 2"):
            crop_portrait(pair, SECTIONS, basis, 256, face)


def test_a_picture_without_a_face_is_refused_in_words(basis):
    with pytest.raises(InputError, match="no face was found in the picture: use one with an upright face"):
        crop_portrait(np.full((120, 160, 3), 200, np.uint8), SECTIONS, basis, 256)


@pytest.mark.parametrize(("scale", "size"), [(1.0, (2000, 1900)), (0.5, (640, 600))])
def test_small_faces_and_those_of_large_pictures_are_placed_as_in_the_portrait(astronaut, scale, size):
    near, far = (
        find_faces(picture, SECTIONS["detect"])
        for picture in (astronaut, on_ground(astronaut, size[0] // 2, size[1] // 3, size, scale))
    )
    corner = np.array([size[0] // 2, size[1] // 3])
    assert len(far.boxes_px) == 1
    np.testing.assert_allclose((far.landmarks_px[0] - corner) / scale, near.landmarks_px[0], atol=4)
    assert far.sides_px[0] / scale == pytest.approx(near.sides_px[0], rel=0.2)


def test_a_face_that_fills_the_picture_is_found(astronaut):
    close = cv2.resize(astronaut[65:165, 102:208], None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    assert len(find_faces(close, SECTIONS["detect"]).boxes_px) == 1


def test_a_small_face_is_enlarged_with_a_warning_and_a_tiny_one_refused(astronaut, basis, caplog):
    small = cv2.resize(astronaut, (160, 160), interpolation=cv2.INTER_AREA)
    assert crop_portrait(small, changed("crop", recipe="released"), basis, 256).picture.shape == (256, 256, 3)
    assert "the face is small: its crop of" in caplog.text
    with pytest.raises(InputError, match=r"the face has \d+ px, detect.min_face_px is 60"):
        crop_portrait(small, changed("detect", min_face_px=60), basis, 256)


def test_a_face_beyond_the_border_is_reflected_and_one_too_far_beyond_refused(astronaut, basis):
    at_the_edge = astronaut[75:]
    made = crop_portrait(at_the_edge, SECTIONS, basis, 256)
    top = round(made.to_crop[1, 2] + 0.5 - made.to_crop[1, 1] / 2)  # where the picture begins in the crop
    assert top > 10
    above, below = made.picture[top - 6 : top - 1].astype(int), made.picture[top + 1 : top + 6][::-1]
    assert np.abs(above - below).mean() < 4
    with pytest.raises(InputError, match=r"too near to the picture's border: .* crop\.max_outside is 5%"):
        crop_portrait(at_the_edge, changed("crop", max_outside=0.05), basis, 256)


def test_a_face_that_lies_on_its_side_is_told_unless_the_recipe_turns_it(astronaut, basis, caplog):
    lying = np.rot90(astronaut).copy()
    crop_portrait(lying, changed("crop", recipe="ffhq"), basis, 256)
    assert "turn the picture" not in caplog.text
    crop_portrait(lying, SECTIONS, basis, 256)
    assert "turn the picture" in caplog.text


def test_faces_in_parts_must_be_surer_than_those_of_the_whole(astronaut):
    """A cut-off head leaves its suit, in which a part shows what looks a little like a face."""
    found = find_faces(load_portrait().picture[110:], SECTIONS["detect"])
    assert (found.sides_px < 200).all()


class Network:
    """Stands in for a network that measures motion: the picture's mean colours and landmarks' mean."""

    name = "deep3d of somebody"

    def __call__(self, pictures, landmarks):
        (picture,) = pictures
        return np.array([[len(picture), *landmarks[0].mean(axis=0)]], np.float32)


def test_a_network_measures_the_crop_at_the_size_it_has_in_training(astronaut, basis, monkeypatch):
    monkeypatch.setattr(portrait, "load_network", lambda _: Network())
    made = crop_portrait(astronaut, changed("crop", size_px=128), None, 64)
    assert made.coefficients[0] == 128
    assert (np.abs(made.coefficients[1:] - 64) < 20).all()
    with pytest.raises(InputError, match="trained on coefficients of landmarks, these are of deep3d of somebody"):
        crop_portrait(astronaut, SECTIONS, basis, 64)


def test_a_face_without_a_pose_and_a_model_without_a_basis_are_refused_in_words(astronaut, basis, monkeypatch):
    with pytest.raises(InputError, match="no expression basis"):
        crop_portrait(astronaut, SECTIONS, None, 64)
    monkeypatch.setattr(Network, "__call__", lambda *_: np.full((1, 70), np.nan, np.float32))
    monkeypatch.setattr(portrait, "load_network", lambda _: Network())
    with pytest.raises(InputError, match="no head pose"):
        crop_portrait(astronaut, SECTIONS, None, 64)


def test_a_back_end_without_its_weights_is_refused_in_words(astronaut, monkeypatch):
    def missing(_):
        raise finding.MissingWeightsError("model.tflite is not there: install it")

    monkeypatch.setattr(finding, "open_backend", missing)
    with pytest.raises(InputError, match=r"model\.tflite is not there: install it"):
        find_faces(astronaut, SECTIONS["detect"])
