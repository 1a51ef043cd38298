import time

import cv2
import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tavce.measure.image import clip_mean, psnr, ssim
from tavce.measure.metrics import MeasurementError


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
    }


@pytest.mark.parametrize("how", ["noise", "blur", "dark", "other", "black"])
def test_psnr_and_ssim_are_those_of_scikit_image(portrait, spoilt, how):
    picture = spoilt[how]
    expected = structural_similarity(
        portrait,
        picture,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
    )
    assert ssim(portrait, picture) == pytest.approx(expected, abs=1e-5)
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
    with pytest.raises(MeasurementError, match="1 frames are identical"):
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


@pytest.mark.slow
def test_a_core_compares_at_least_100_frames_a_second(portrait, spoilt):
    began = time.process_time()
    for _ in range(50):
        psnr(portrait, spoilt["noise"])
        ssim(portrait, spoilt["noise"])
    assert time.process_time() - began < 0.5
