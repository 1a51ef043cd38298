"""Read any picture that a user may have as upright 8-bit sRGB.

Turned as its EXIF says; what is transparent lies on white; grey, palettes, CMYK and other colour profiles become sRGB;
16 bits are scaled, not clipped; of an animation it is the first frame. HEIC is refused: no pinned library reads it.
Shapes: H × W pixels, C channels.
"""

import io
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
from cv2.utils import logging as opencv_log
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from tavce.records import InputError

FEWEST_PX = 64  # of the shorter side: a face in less has too few pixels for its landmarks
MOST_PX = 100_000_000  # of a picture; a JPEG above it is decoded at half its size
LONGEST_SHARE = 8  # of the longer side to the shorter: the parts that faces are looked for in would be too many
LONGEST_PX = 32_766  # of a side: OpenCV's warps count in 16 bits
TIFF_MARKS = (b"II*\0", b"MM\0*")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
RAW_GREY = ("I", "F")  # modes whose black and white no format fixes
DAMAGE = (  # as Pillow's decoders fail
    *(OSError, RuntimeError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, zlib.error),
    *(ArithmeticError, AttributeError),
)


def read_picture(path: str | Path) -> np.ndarray:
    """Return a picture uint8 [H, W, 3] RGB, upright.

    Raises:
        InputError: it is not there, is no picture, is HEIC, is damaged, has a side below FEWEST_PX or above LONGEST_PX,
            more than MOST_PX pixels, or sides whose ratio is above LONGEST_SHARE.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size == 0:
        what = "is a folder" if path.is_dir() else "is empty" if path.is_file() else "is not there"
        raise InputError(f"{path} {what}: name the file of a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken notes beside the picture, and of sizes, which MOST_PX decides
            with Image.open(path) as image:
                _check_size(path, image)
                picture = _rgb(image)
    except UnidentifiedImageError:
        picture = _deep(path)
    except Image.DecompressionBombError as error:
        raise InputError(_too_large(path)) from error
    except DAMAGE as error:
        raise InputError(f"{path} is damaged or cut short ({error}): save or copy it anew") from error
    height, width = picture.shape[:2]
    if min(height, width) < FEWEST_PX:
        raise InputError(f"{path} has {width} × {height} px, each side needs {FEWEST_PX}: use a larger picture")
    if max(height, width) > LONGEST_SHARE * min(height, width):
        raise InputError(f"{path} has {width} × {height} px, which is a strip: cut out the part with the face")
    return picture


def _check_size(path: Path, image: Image.Image) -> None:
    """Set a large JPEG to be decoded at half its size, and refuse any other picture that is too large."""
    if image.width * image.height > MOST_PX:
        image.draft("RGB", (image.width // 2, image.height // 2))
    if image.width * image.height > MOST_PX or max(image.size) > LONGEST_PX:
        raise InputError(_too_large(path))


def _too_large(path: Path) -> str:
    return (
        f"{path} is too large (at most {MOST_PX // 10**6} megapixels and {LONGEST_PX} px a side are read):"
        " shrink it, or cut out the face"
    )


def _rgb(image: Image.Image) -> np.ndarray:
    """Return an opened picture uint8 [H, W, 3]."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(RAW_GREY):
        return _eight_bits(np.asarray(upright))
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
    upright = _in_srgb(upright)
    if upright.mode == "RGBA":
        ground = Image.new("RGBA", upright.size, "white")
        ground.alpha_composite(upright)
        upright = ground
    return np.array(upright.convert("RGB"))


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return a picture in sRGB where it names another profile, as phones do; a profile that is broken says nothing."""
    content = image.info.get("icc_profile")
    if not content or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    srgb, mode = ImageCms.createProfile("sRGB"), "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return image
        return ImageCms.profileToProfile(image, profile, srgb, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return image


def _deep(path: Path) -> np.ndarray:
    """Return a picture that Pillow does not know: TIFFs with several channels of floating-point numbers.

    Raises:
        InputError: OpenCV does not know it either, or it is too large.
    """
    with open(path, "rb") as file:
        mark = file.read(12)
    if mark[4:8] == b"ftyp" and mark[8:] in HEIC_BRANDS:
        raise InputError(f"{path} is a HEIC picture, which is not read: save it as JPEG or PNG")
    content = np.fromfile(path, np.uint8) if mark.startswith(TIFF_MARKS) else None
    level = opencv_log.setLogLevel(opencv_log.LOG_LEVEL_SILENT)  # the error below says it all
    pixels = None if content is None else cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    opencv_log.setLogLevel(level)
    if pixels is None:
        raise InputError(f"{path} is no picture, or is cut short: name a JPEG, PNG, WebP, TIFF, GIF or BMP")
    if pixels.shape[0] * pixels.shape[1] > MOST_PX or max(pixels.shape) > LONGEST_PX:
        raise InputError(_too_large(path))
    if pixels.ndim == 3:
        pixels = pixels[:, :, 2::-1]
    return _eight_bits(pixels)


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Return pixels [H, W] or [H, W, 3] of any numbers as uint8 [H, W, 3].

    16 bits are divided by 257. Larger numbers and fractions are taken as they are from 0 to 1, and are else stretched
    between the least and the largest of them; what is not finite is black.
    """
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        scaled = pixels.astype(np.float32) * (255 / np.iinfo(pixels.dtype).max)
    else:
        finite = np.isfinite(pixels)
        values = np.where(finite, pixels, pixels[finite].min() if finite.any() else 0).astype(np.float64)
        low, high = float(values.min()), float(values.max())
        if low < 0 or high > 1:
            values = (values - low) / (high - low or 1)
        scaled = values * 255
    grey_or_colour = np.round(scaled).astype(np.uint8)
    return grey_or_colour if pixels.ndim == 3 else np.repeat(grey_or_colour[:, :, None], 3, axis=2)
