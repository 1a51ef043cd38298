"""What the tables report: every metric by its name, heading and definition."""

from dataclasses import dataclass
from typing import Literal

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


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
        "peak signal-to-noise ratio of 8-bit RGB frames (peak 255, squared error over pixels and channels), mean over "
        "a clip's frames, then over clips; a clip with a frame identical to its reference, which is ∞, has none",
    ),
    Metric(
        "ssim",
        "SSIM",
        "ssim.gauss11.rgb8/1",
        "",
        "higher",
        3,
        "structural similarity of 8-bit RGB frames, −1 to 1 (11 × 11 Gaussian window of σ 1.5, K 0.01 and 0.03, peak "
        "255, without a border of 5 px), mean over pixels and channels, a clip's frames, then clips",
    ),
    Metric(
        "lpips",
        "LPIPS",
        "lpips.vgg.v0.1/1",
        "",
        "lower",
        3,
        "learned perceptual image patch similarity, version 0.1, VGG-16 with its published channel weights, of whole "
        "RGB frames in [−1, 1] as they are; mean over a clip's frames, then over clips; 0 for identical frames",
    ),
    Metric(
        "cpbd",
        "CPBD",
        "cpbd.grey/1",
        "",
        "higher",
        3,
        "cumulative probability of blur detection, 0 to 1: the share of edges in a frame's luma (64 × 64 px blocks) no "
        "wider than the just noticeable 5 px, 3 px in blocks of contrast above 50; of the generated frames alone, "
        "mean over a clip's frames, then over clips; noise raises it",
    ),
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
        "lmd.facemesh48-67.centred.iod/1",
        "inter-ocular",
        "lower",
        4,
        "mean Euclidean distance of landmarks 48–67 once each frame's mouth is centred on its own mean, so of its shape"
        " and not its place, as a fraction of the distance of the real outer eye corners. FaceMesh finds the landmarks"
        " of both videos in frames of the same size; frames without a face in either are left out",
    ),
    Metric(
        "lmd_face",
        "LMD-face",
        "lmd.facemesh17-67.iod/1",
        "inter-ocular",
        "lower",
        4,
        "mean Euclidean distance of landmarks 17–67 (without the jaw), not aligned, as a fraction of the distance of"
        " the real outer eye corners; found and left out as for LMD-mouth",
    ),
    Metric(
        "lse_c",
        "LSE-C",
        "lse.syncnet_v2.facemesh/1",
        "",
        "higher",
        3,
        "SyncNet's confidence: the median less the smallest of the mean distances of lips and sound (16 kHz, 25 frames"
        " a second) at 31 shifts of up to 15 frames. Crops are framed as SyncNet's tracker does, from FaceMesh's"
        " landmarks, bridged where no face was found; what they need beyond the picture is grey",
    ),
    Metric(
        "lse_d",
        "LSE-D",
        "lse.syncnet_v2.facemesh/1",
        "",
        "lower",
        3,
        "SyncNet's distance: the smallest of the mean distances of lips and sound at 31 shifts, so a constant offset"
        " costs nothing; see |SyncNet offset|. Measured as LSE-C",
    ),
    Metric(
        "sync_offset",
        "|SyncNet offset|",
        "lse.syncnet_v2.facemesh/1",
        "frames",
        "lower",
        2,
        "size of the shift, of up to 15 frames, at which SyncNet's distance is smallest; a clip's own number has a sign"
        " and is above 0 where the sound is early",
        magnitude=True,
    ),
    Metric(
        "av_corr",
        "AV-corr",
        "av_corr.facemesh/1",
        "r",
        "higher",
        3,
        "Pearson's r of the mouth's opening (gap of the inner lips, inter-ocular, FaceMesh) and the sound's level in"
        " dB, frame by frame at lag 0, −1 to 1; a proxy, not LSE-C",
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
        "size of the lag, of up to score.max_lag_frames, at which opening and level correlate best; a clip's own number"
        " has a sign and is above 0 where the sound is early; a proxy, not SyncNet's offset",
        magnitude=True,
    ),
    Metric(
        "tavc",
        "TAVC",
        "tavc/1",
        "",
        "higher",
        3,
        "mean over frames of the similarity of two changes, of the voice and of the generated mouth, from a frame to"
        " one some frames later, as the metric named by score.tavc gives it (cos², 0 to 1; cos where its recipe is"
        " signed). It says as much as that metric listens: see what the stage listen says of it",
    ),
    Metric(
        "tavc_shuffled",
        "TAVC, other sound",
        "tavc/1",
        "",
        "none",
        3,
        "the same with another clip's sound, over the frames that it covers: what a metric gives that does not listen",
    ),
    Metric(
        "pose_diversity",
        "Diversity",
        "pose_sd.mean_face.facemesh/1",
        "°",
        "higher",
        2,
        "standard deviation over time of the head's pitch, yaw and roll, mean over the three (the form of KDTalker's)."
        " The angles are those of a mean face fitted to FaceMesh's landmarks, so its size is not comparable with"
        " numbers from Hopenet",
    ),
    Metric(
        "beat_align",
        "Beat align",
        "beat_align.librosa.facemesh/1",
        "",
        "higher",
        3,
        "mean over the sound's beats (librosa's beat_track) of exp(−d² / (2 · 0.1²)), d the seconds to the nearest"
        " local minimum of the speed of FaceMesh's landmarks, smoothed by a Gaussian of σ 5 frames; 0 to 1, the form of"
        " KDTalker's. Speech has no metre, so chance gives well above 0",
    ),
    Metric("frames", "Length", "frames/1", "frames", "none", 1, "frames of a clip that were compared"),
)
METRIC = {metric.name: metric for metric in METRICS}
