import cv2
import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tavce.config import paper
from tavce.measure.clip import Clip, Sound
from tavce.measure.cpbd import cpbd
from tavce.measure.groups import Setup
from tavce.measure.image import ImageGroup, clip_mean, psnr, ssim
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.spoil import STRENGTHS, spoil

SETUP = Setup(paper().score, paper().window, paper().mel, 256, "cpu")


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:256, 96:352])


@pytest.fixture(scope="module")
def spoilt(portrait) -> dict[str, np.ndarray]:
    """The portrait with noise, blurred, darker, and as another picture altogether."""
    noise = np.random.default_rng(0).normal(0, 12, portrait.shape)
    return {
        "noise": np.clip(portrait + noise, 0, 255).astype(np.uint8),
        "blur": cv2.GaussianBlur(portrait, (0, 0), 3),
        "dark": (portrait * 0.7).astype(np.uint8),
        "other": portrait[::-1].copy(),
        "black": np.zeros_like(portrait),
        "random": np.random.default_rng(1).integers(0, 256, portrait.shape, np.uint8),
    }


@pytest.mark.parametrize("how", ["noise", "blur", "dark", "other", "black", "random"])
@pytest.mark.parametrize("shape", [(256, 256), (101, 67), (11, 12)])
def test_psnr_and_ssim_are_those_of_scikit_image(portrait, spoilt, how, shape):
    first, second = (image[: shape[0], : shape[1]].copy() for image in (portrait, spoilt[how]))
    assert_as_scikit_image(first, second)


@pytest.mark.parametrize("level", [0, 3, 128, 254])
def test_flat_frames_a_grey_level_apart_have_the_values_of_scikit_image(level):
    """Their variances are small differences of large numbers."""
    flat = np.full((64, 64, 3), level, np.uint8)
    striped = flat.copy()
    striped[::2] += 1
    assert_as_scikit_image(flat, striped)
    assert_as_scikit_image(striped, flat + 1)


def assert_as_scikit_image(portrait: np.ndarray, picture: np.ndarray) -> None:
    expected = structural_similarity(
        portrait,
        picture,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
    )
    assert ssim(portrait, picture) == pytest.approx(expected, abs=5e-6)
    assert psnr(portrait, picture) == pytest.approx(peak_signal_noise_ratio(portrait, picture), abs=1e-9)


def test_ssim_of_a_picture_with_itself_is_one(portrait):
    assert ssim(portrait, portrait) == pytest.approx(1, abs=1e-6)


def test_psnr_of_black_against_white_is_zero_db():
    assert psnr(np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)) == 0


def test_one_step_of_grey_everywhere_is_48_db():
    grey = np.full((16, 16, 3), 100, np.uint8)
    assert psnr(grey, grey + 1) == pytest.approx(20 * np.log10(255))


def test_a_clip_scores_the_mean_of_its_frames_not_of_its_pixels(portrait, spoilt):
    values = [psnr(portrait, spoilt[how]) for how in ("noise", "dark")]
    clip = clip_mean(psnr, [portrait, portrait], [spoilt["noise"], spoilt["dark"]])
    assert clip == pytest.approx(sum(values) / 2)


def test_a_frame_identical_to_the_reference_leaves_the_clip_without_psnr(portrait, spoilt):
    with pytest.raises(MeasurementError, match="1 of 2 frames are identical to the reference"):
        clip_mean(psnr, [portrait, portrait], [portrait, spoilt["noise"]])


def test_a_clip_without_frames_has_no_score():
    with pytest.raises(MeasurementError, match="no frame to compare"):
        clip_mean(ssim, [], [])


def test_clips_of_different_length_are_a_mistake(portrait):
    with pytest.raises(ValueError, match="shorter"):
        clip_mean(ssim, [portrait, portrait], [portrait])


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_frames_of_another_size_or_type_are_refused(measure, portrait):
    with pytest.raises(ValueError, match="of one size"):
        measure(portrait, portrait[:100])
    with pytest.raises(ValueError, match="must be uint8"):
        measure(portrait, portrait.astype(np.float32))


def test_a_frame_smaller_than_the_window_has_no_ssim():
    tiny = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="smaller than the 11 px window"):
        ssim(tiny, tiny)


def test_psnr_and_ssim_fall_with_the_strength_of_what_spoils_a_frame(portrait):
    for how, strengths in STRENGTHS.items():
        pictures = [portrait, *(spoil(portrait, how, strength) for strength in strengths)]
        for measure in (psnr, ssim):
            values = [measure(portrait, picture) for picture in pictures]
            assert values == sorted(values, reverse=True)
            assert len({*values}) == len(values)


def test_ssim_is_not_that_of_the_frames_before(portrait, spoilt):
    """Memory is used again, also for frames of another size."""
    first = ssim(portrait, spoilt["noise"])
    ssim(portrait[:50, :40], spoilt["dark"][:50, :40])
    ssim(portrait, spoilt["black"])
    assert ssim(portrait, spoilt["noise"]) == first


@pytest.fixture
def clip(portrait, spoilt) -> Clip:
    """Two generated frames and one of the reference."""
    made, silence = [spoilt["noise"], spoilt["blur"]], Sound(None, "silent")
    return Clip("a", made, [portrait], 256, silence, silence, paper().score)


def test_a_group_has_a_number_for_each_of_its_metrics(clip, portrait):
    measured = Measurements()
    ImageGroup(SETUP).measure(clip, measured)
    assert measured.metrics.keys() == {*ImageGroup.metrics}
    assert measured.metrics["psnr"] == psnr(portrait, clip.frames[0])
    assert measured.metrics["cpbd"] == pytest.approx((cpbd(clip.frames[0]) + cpbd(clip.frames[1])) / 2)
    assert measured.metrics["frames"] == 1


def test_small_frames_leave_a_clip_without_cpbd_only(clip):
    clip.frames, clip.reference = ([frame[:40, :40].copy() for frame in some] for some in (clip.frames, clip.reference))
    measured = Measurements()
    ImageGroup(SETUP).measure(clip, measured)
    assert measured.reasons == {"cpbd": "frames of 40 × 40 px are smaller than the 64 px block of CPBD"}
    assert measured.metrics["ssim"] < 1
