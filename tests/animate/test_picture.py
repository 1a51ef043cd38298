"""Facts about pictures of every kind that a user may give: the same pixels are read, or one sentence says why not."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from tavce.animate import picture
from tavce.animate.picture import read_picture
from tavce.records import InputError

TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
ROWS, COLUMNS = np.indices((80, 120))
PIXELS = np.stack([ROWS * 2, COLUMNS * 2, 255 - ROWS - COLUMNS], axis=2).astype(np.uint8)
GREY = PIXELS[:, :, 0]


def saved(folder, image, name, **options):
    """Return where an image, or an array of one, was saved."""
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(folder / name, **options)
    return folder / name


def of_every_channel(grey):
    return np.repeat(grey[:, :, None], 3, axis=2)


@pytest.mark.parametrize("orientation", TURNED)
def test_a_picture_is_upright_whatever_its_exif_says(tmp_path, orientation):
    image, notes = Image.fromarray(PIXELS), Image.Exif()
    notes[0x112] = orientation
    if TURNED[orientation] is not None:
        image = image.transpose(TURNED[orientation])
    np.testing.assert_array_equal(read_picture(saved(tmp_path, image, "a.png", exif=notes)), PIXELS)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm"])
def test_colours_come_as_they_are(tmp_path, name):
    read = read_picture(saved(tmp_path, PIXELS, name))
    np.testing.assert_array_equal(read, PIXELS)
    assert read.dtype == np.uint8


@pytest.mark.parametrize(("name", "options"), [("a.jpg", {"quality": 95}), ("a.webp", {"quality": 95})])
def test_lossy_formats_are_read(tmp_path, name, options):
    assert np.abs(read_picture(saved(tmp_path, PIXELS, name, **options)) - PIXELS.astype(int)).mean() < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:20], alpha[20:40] = 0, 51
    grey = Image.fromarray(np.full(GREY.shape, 100, np.uint8))
    grey.putalpha(Image.fromarray(alpha))
    image = grey if mode == "LA" else grey.convert("RGBA")
    if mode == "P":
        image = image.quantize(8, method=Image.Quantize.FASTOCTREE)
    read = read_picture(saved(tmp_path, image, "a.png"))
    assert (read[:20] == 255).all()
    np.testing.assert_allclose(read[20:40], 255 - 0.2 * 155, atol=3)
    np.testing.assert_allclose(read[40:], 100, atol=3)


def test_one_colour_may_stand_for_transparent(tmp_path):
    pixels = np.full((80, 120, 3), (10, 20, 30), np.uint8)
    pixels[40:] = (200, 0, 0)
    read = read_picture(saved(tmp_path, pixels, "a.png", transparency=(10, 20, 30)))
    assert (read[:40] == 255).all()
    assert (read[40:] == (200, 0, 0)).all()


def test_grey_and_palettes_become_colours(tmp_path):
    np.testing.assert_array_equal(read_picture(saved(tmp_path, GREY, "g.png")), of_every_channel(GREY))
    palette = Image.fromarray(PIXELS).quantize(64)
    np.testing.assert_array_equal(read_picture(saved(tmp_path, palette, "p.png")), np.asarray(palette.convert("RGB")))
    bits = Image.fromarray(GREY > 80)
    np.testing.assert_array_equal(read_picture(saved(tmp_path, bits, "b.png")), of_every_channel((GREY > 80) * 255))


def test_cmyk_becomes_rgb(tmp_path):
    image = Image.new("CMYK", (80, 80), (255, 0, 255, 0))
    np.testing.assert_allclose(read_picture(saved(tmp_path, image, "a.jpg"))[0, 0], (0, 255, 0), atol=2)


def test_another_profile_becomes_srgb_and_a_broken_one_says_nothing(tmp_path):
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = content.replace(b"rXYZ", b"?XYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"?XYZ", b"bXYZ", 1)
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    for alpha in ((), (255,)):
        red = Image.new("RGBA" if alpha else "RGB", (80, 80), (255, 0, 0, *alpha))
        blue = read_picture(saved(tmp_path, red, "a.png", icc_profile=swapped))
        np.testing.assert_allclose(blue[0, 0], (0, 0, 255), atol=2)
    assert read_picture(saved(tmp_path, red, "a.png", icc_profile=content))[0, 0].tolist() == [255, 0, 0]
    assert read_picture(saved(tmp_path, red, "a.png", icc_profile=b"none"))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path, name):
    for pixels in (PIXELS[:, :, ::-1], GREY):
        cv2.imwrite(str(tmp_path / name), pixels.astype(np.uint16) * 257)
        wanted = PIXELS if pixels.ndim == 3 else of_every_channel(GREY)
        np.testing.assert_array_equal(read_picture(tmp_path / name), wanted)


def test_fractions_are_from_black_to_white(tmp_path):
    cv2.imwrite(str(tmp_path / "rgb.tif"), (PIXELS[:, :, ::-1] / 255).astype(np.float32))
    np.testing.assert_array_equal(read_picture(tmp_path / "rgb.tif"), PIXELS)
    grey = (GREY / 255).astype(np.float32)
    np.testing.assert_array_equal(read_picture(saved(tmp_path, grey, "g.tif")), of_every_channel(GREY))


def test_larger_numbers_are_stretched_and_what_is_not_finite_is_black(tmp_path):
    ramp = np.linspace(-1000, 70_000, 6400).reshape(80, 80)
    wanted = np.round(np.linspace(0, 255, 6400)).reshape(80, 80)
    for kind in (np.int32, np.float32):
        read = read_picture(saved(tmp_path, ramp.astype(kind), "a.tif"))
        np.testing.assert_allclose(read[:, :, 0], wanted, atol=1)
    ramp[40, 40] = np.nan
    assert read_picture(saved(tmp_path, ramp.astype(np.float32), "a.tif"))[40, 40].tolist() == [0, 0, 0]
    nothing = np.full((80, 80), np.nan, np.float32)
    assert (read_picture(saved(tmp_path, nothing, "a.tif")) == 0).all()


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_of_an_animation_it_is_the_first_frame(tmp_path, name):
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if name == "a.webp" else {}
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], **options)
    assert read_picture(path)[0, 0].tolist() == [255, 0, 0]


def test_broken_notes_beside_the_picture_are_passed_over(tmp_path, recwarn):
    content = saved(tmp_path, PIXELS, "a.jpg").read_bytes()
    notes = b"Exif\0\0II*\0\xff\xff\xff\xffnothing"
    (tmp_path / "a.jpg").write_bytes(
        content[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(notes)) + notes + content[2:]
    )
    assert read_picture(tmp_path / "a.jpg").shape == PIXELS.shape
    assert not recwarn.list


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.png", b"", "is empty"),
        ("a.txt", b"a letter\n" * 99, "is no picture"),
        ("a.mp3", b"ID3\x03" + bytes(999), "is no picture"),
        ("a.tif", b"II*\0" + bytes(99), "is no picture"),
        ("a.heic", b"\0\0\0\x18ftypheic" + bytes(99), "is a HEIC picture, .* save it as JPEG or PNG"),
        ("a.pgm", b"P5 20000 20000 255\n", "is too large"),
        ("a.pgm", b"P5 11000 10000 255\n", "at most 100 megapixels"),
        ("a.pgm", b"P5 40000 100 255\n", "32766 px a side"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} {says}" if says.startswith("is") else says):
        read_picture(tmp_path / name)


def test_a_path_without_a_file_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match=r"none\.png is not there"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(InputError, match="is a folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.bmp", "a.avif"])
@pytest.mark.parametrize("share", [0.05, 0.6])
def test_a_picture_that_is_cut_short_is_refused_in_words(tmp_path, capfd, name, share):
    content = saved(tmp_path, PIXELS, name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="cut short"):
        read_picture(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_a_tiny_picture_is_refused_and_one_of_the_fewest_pixels_is_not(tmp_path):
    assert read_picture(saved(tmp_path, PIXELS[:64], "a.png")).shape == (64, 120, 3)
    with pytest.raises(InputError, match="has 120 × 63 px, each side needs 64"):
        read_picture(saved(tmp_path, PIXELS[:63], "a.png"))


def test_a_strip_is_refused_in_words(tmp_path):
    assert read_picture(saved(tmp_path, np.zeros((512, 64, 3), np.uint8), "a.png")).shape == (512, 64, 3)
    with pytest.raises(InputError, match="has 64 × 513 px, which is a strip"):
        read_picture(saved(tmp_path, np.zeros((513, 64, 3), np.uint8), "a.png"))


def test_a_jpeg_of_too_many_pixels_is_read_at_half_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "MOST_PX", 30_000)
    double = cv2.resize(PIXELS, (240, 160), interpolation=cv2.INTER_LINEAR)
    read = read_picture(saved(tmp_path, double, "a.jpg", quality=95))
    assert np.abs(read - PIXELS.astype(int)).mean() < 3
    with pytest.raises(InputError, match="too large"):
        read_picture(saved(tmp_path, double, "a.png"))
    cv2.imwrite(str(tmp_path / "f.tif"), double.astype(np.float32))
    with pytest.raises(InputError, match="too large"):
        read_picture(tmp_path / "f.tif")
