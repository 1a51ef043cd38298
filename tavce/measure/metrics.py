"""What the tables report: every metric's definition, and a measurement that is a number or a reason.

A measurement that fails is null with a reason; it never counts as a number.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


class MeasurementError(Exception):
    """A measurement that has no value; the message is the reason."""


@dataclass(frozen=True)
class Metric:
    """A column of the tables.

    identity: what exactly is computed, with which weights, and the version of our code; numbers under different
        identities cannot be compared.
    magnitude: the mean is over absolute values, so that signs cannot cancel.
    pooled: one number for all clips together (a Fréchet distance), not one a clip.
    """

    name: str
    heading: str
    identity: str
    unit: str
    better: Literal["higher", "lower", "none"]
    digits: int
    definition: str
    magnitude: bool = False
    pooled: bool = False


METRICS = (
    Metric(
        "psnr",
        "PSNR",
        "psnr.rgb8/1",
        "dB",
        "higher",
        2,
        "peak signal-to-noise ratio of RGB frames, mean over a clip's frames",
    ),
    Metric(
        "ssim",
        "SSIM",
        "ssim.gauss11.rgb8/1",
        "",
        "higher",
        3,
        "structural similarity of RGB frames (11 × 11 Gaussian, σ 1.5), −1 to 1",
    ),
    Metric(
        "lpips", "LPIPS", "lpips.vgg.v0.1/1", "", "lower", 3, "perceptual distance by VGG-16 and its learnt weights"
    ),
    Metric("cpbd", "CPBD", "cpbd.grey/1", "", "higher", 3, "sharpness without a reference, 0 to 1"),
    Metric(
        "fid",
        "FID",
        "fid.inception2015/1",
        "",
        "lower",
        2,
        "Fréchet distance of the 2048 pooled features of FID's Inception-v3 (the 2015-12-05 weights, as pytorch-fid "
        "has them) of generated and of real frames, whole, resized to 299 × 299 px bilinearly without smoothing. Of "
        "every clip the middles of `score.frechet_frames` equal parts; the mean over subsets of `tables.frechet_n` "
        "frames, the same for every method, as the distance falls with their number",
        pooled=True,
    ),
    Metric(
        "fd_mobilenetv2",
        "FD-MobileNetV2",
        "fd.mobilenetv2/1",
        "",
        "lower",
        2,
        "as FID, of the 1280 pooled features of MobileNetV2 (torchvision's ImageNet weights, ImageNet's colour norm) "
        "of frames resized to 224 × 224 px bilinearly with smoothing; a proxy, whose numbers are not FID's",
        pooled=True,
    ),
    Metric(
        "csim",
        "CSIM",
        "csim.arcface_r100/1",
        "",
        "higher",
        3,
        "cosine of ArcFace embeddings (insightface's iResNet-100, ms1mv3) of every fifth generated frame and of the "
        "source, the clip's first real frame; mean over frames, −1 to 1. Faces are brought to 112 × 112 px by eyes, "
        "nose and mouth corners; CSIM of frames paired in time, or without alignment, is another number",
    ),
    Metric(
        "csim_dlib128",
        "CSIM-dlib128",
        "csim.dlib128/1",
        "",
        "higher",
        3,
        "cosine of dlib's 128-number face descriptors (chips of 150 px, aligned by 68 landmarks) of every fifth "
        "generated frame and of the clip's first real frame; mean over frames. A proxy, not CSIM: photographs of two "
        "people have .76 to .87, of one .96 and more",
    ),
    Metric(
        "lmd_mouth",
        "LMD-mouth",
        "lmd.facemesh48-67.iod/1",
        "inter-ocular",
        "lower",
        4,
        "mean distance of the mouth's landmarks, as a fraction of the distance of the outer eye corners",
    ),
    Metric(
        "lmd_face",
        "LMD-face",
        "lmd.facemesh17-67.iod/1",
        "inter-ocular",
        "lower",
        4,
        "mean distance of landmarks 17–67, as a fraction of the distance of the outer eye corners",
    ),
    Metric("lse_c", "LSE-C", "lse.syncnet_v2/1", "", "higher", 3, "SyncNet's confidence"),
    Metric("lse_d", "LSE-D", "lse.syncnet_v2/1", "", "lower", 3, "SyncNet's distance"),
    Metric(
        "sync_offset",
        "|SyncNet offset|",
        "lse.syncnet_v2/1",
        "frames",
        "lower",
        2,
        "size of SyncNet's offset of picture and sound",
        magnitude=True,
    ),
    Metric(
        "av_corr",
        "AV-corr",
        "av_corr.facemesh/1",
        "r",
        "higher",
        3,
        "correlation of mouth opening and loudness at lag 0, −1 to 1; a proxy, not LSE-C",
    ),
    Metric(
        "av_corr_shuffled",
        "AV-corr, other sound",
        "av_corr.facemesh/1",
        "r",
        "none",
        3,
        "the same with another clip's sound: what chance gives",
    ),
    Metric(
        "av_offset",
        "|AV-offset|",
        "av_offset.facemesh/1",
        "frames",
        "lower",
        2,
        "size of the lag at which opening and loudness correlate best; a proxy, not SyncNet's offset",
        magnitude=True,
    ),
    Metric("tavc", "TAVC", "tavc/1", "", "higher", 3, "mean similarity of the changes of voice and mouth"),
    Metric("tavc_shuffled", "TAVC, other sound", "tavc/1", "", "none", 3, "the same with another clip's sound"),
    Metric("pose_diversity", "Diversity", "pose_sd.mean_face/1", "°", "higher", 2, "spread of the head's angles"),
    Metric("beat_align", "Beat align", "beat_align.librosa/1", "", "higher", 3, "beats of the sound near the head's"),
    Metric("frames", "Length", "frames/1", "frames", "none", 1, "frames of a clip that were compared"),
)
METRIC = {metric.name: metric for metric in METRICS}


@dataclass
class Measurements:
    """Collects a clip's numbers, the reasons of those that could not be had, and what is drawn or pooled of it."""

    metrics: dict[str, int | float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    curves: dict[str, np.ndarray] = field(default_factory=dict)  # float32 [T], for the report's players
    features: dict[str, np.ndarray] = field(default_factory=dict)  # float32 [n, D], for pooled metrics

    def take(self, name: str, measure: Callable[[], float]) -> None:
        """Store what `measure` returns, or the reason why it has no finite value."""
        self.metrics[name] = None
        try:
            value = measure()
        except MeasurementError as error:
            self.reasons[name] = str(error)
            return
        if math.isfinite(value):
            self.metrics[name] = value
        else:
            self.reasons[name] = f"the value is {value}"
