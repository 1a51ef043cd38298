"""What a clip looks and sounds like, in numbers; null where something cannot be measured.

Shapes: T frames, H × W pixels of a crop, N samples; landmarks [T, 68, 2] px in the crop.
"""

import cv2
import numpy as np

from tavce.faces.lips import FLOOR_DB, best_lag, correlation, loudness_db
from tavce.faces.mean_face import head_pose
from tavce.faces.points import mouth_opening
from tavce.records import Numbers

ANGLES = ("pitch_deg", "yaw_deg", "roll_deg")  # as HeadPose has them
MOST = 95  # per cent of the frames
FACE_SIDE_PX = 128  # of the face whose sharpness is measured


def number(value: float, digits: int) -> float | None:
    """Return a rounded number, or None in place of NaN."""
    return None if np.isnan(value) else round(float(value), digits)


def spread(frames: int, count: int) -> list[int]:
    """Return the numbers of `count` evenly spaced frames: the middles of as many equal parts."""
    return [int((part + 0.5) * frames / count) for part in range(count)]


def turn_deg(landmarks: np.ndarray) -> Numbers:
    """Return by how much the head is turned: the size of each angle that 95 % of the frames stay below."""
    turned = np.abs(np.degrees(head_pose(landmarks).rotation))
    turned = turned[np.isfinite(turned).all(axis=1)]
    most = np.percentile(turned, MOST, axis=0) if len(turned) else np.full(3, np.nan)
    return {name: number(value, 1) for name, value in zip(ANGLES, most, strict=True)}


def sharpness(grey: np.ndarray, landmarks: np.ndarray) -> float:
    """Return the variance of the Laplacian over the face, uint8 [H, W], whose landmarks [68, 2] are given.

    The landmarks' box is brought to FACE_SIDE_PX squared and its contrast to a deviation of 1/4 of the range, so that
    neither the face's share of the crop nor the light counts. What does: focus, movement and compression, but also a
    small face that was scaled up, a beard, and the crops' own size. A photographed face of 140 px in the source has
    250 in crops of 256; blurred by 1 px of the crop 110, by 2 px 40, by 4 px 15. NaN where no face is in the picture.
    """
    height, width = grey.shape
    if not np.isfinite(landmarks).all():
        return float("nan")
    left, top = np.clip(landmarks.min(axis=0), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(landmarks.max(axis=0)), 0, (width, height)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return float("nan")
    shrinks = max(right - left, bottom - top) > FACE_SIDE_PX
    face = cv2.resize(
        grey[top:bottom, left:right].astype(np.float32),
        (FACE_SIDE_PX, FACE_SIDE_PX),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    contrast = max(float(face.std()), 1.0)  # less is an empty picture's noise
    return float(cv2.Laplacian(face * (64 / contrast), cv2.CV_32F).var())


def level_db(wave: np.ndarray) -> float | None:
    """Return the RMS of a wave [N] re full scale, in dB, at least FLOOR_DB; None where it has no samples."""
    if not len(wave):
        return None
    power = np.square(wave.astype(np.float64)).mean()
    return round(float(10 * np.log10(max(power, 10 ** (FLOOR_DB / 10)))), 1)


def lip_sync(landmarks: np.ndarray, wave: np.ndarray, max_lag_frames: int) -> Numbers:
    """Return how well the mouth's opening follows the loudness (`tavce.faces.lips`): proxies, none of SyncNet's.

    av_corr is Pearson's r in step, av_offset the lag in frames with the best one (above 0 the sound is early).
    """
    opening = mouth_opening(landmarks).astype(np.float64)
    loudness = loudness_db(wave, len(opening))
    corr, (lag, best) = correlation(opening, loudness), best_lag(opening, loudness, max_lag_frames)
    said = {"av_corr": number(corr, 3), "av_offset": None if np.isnan(best) else lag}
    missing = [name for name, value in said.items() if value is None]
    return {**said, "av_note": f"no {' and '.join(missing)}: too few frames, or no change" if missing else None}
