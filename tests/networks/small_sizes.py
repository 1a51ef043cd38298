"""Small layouts that run in milliseconds: 32x32 pictures, 5 keypoints."""

from tavce.networks.audio2exp import Audio2ExpSizes
from tavce.networks.audio2pose import PoseCvaeSizes, PoseDiscriminatorSizes
from tavce.networks.decoder import SpadeDecoderSizes
from tavce.networks.dense_motion import DenseMotionSizes
from tavce.networks.discriminator import DiscriminatorSizes
from tavce.networks.encoders import AudioEncoderSizes, CorrelationAudioEncoderSizes, VisualEncoderSizes
from tavce.networks.generator import FaceGeneratorSizes
from tavce.networks.headpose import HeadPoseExpressionSizes
from tavce.networks.keypoints import KeypointDetectorSizes
from tavce.networks.mapping import MappingSizes
from tavce.networks.reconstruction import ReconstructionSizes

AUDIO_ENCODER = AudioEncoderSizes(channels=(4, 6, 8, 10, 12))
CORRELATION_AUDIO_ENCODER = CorrelationAudioEncoderSizes(audio=AUDIO_ENCODER, embedding=7)
VISUAL_ENCODER = VisualEncoderSizes(input_px=32, channels=(4, 6, 8, 10), embedding=7)
MAPPING = MappingSizes(
    coefficients=70,
    window=27,
    channels=12,
    kernel=7,
    residual_layers=3,
    residual_kernel=3,
    dilation=3,
    keypoints=5,
)
KEYPOINT_DETECTOR = KeypointDetectorSizes(
    keypoints=5,
    block_expansion=4,
    max_features=12,
    blocks=2,
    depth=3,
    image_scale=0.5,
    temperature=0.1,
)
DENSE_MOTION = DenseMotionSizes(
    keypoints=5,
    volume_channels=6,
    volume_depth=4,
    compressed_channels=2,
    block_expansion=4,
    max_features=12,
    blocks=2,
    kernel=3,
    heatmap_variance=0.01,
)
DECODER = SpadeDecoderSizes(
    feature_channels=8,
    middle_channels=10,
    middle_blocks=1,
    up_channels=(10, 6),
    modulation_channels=4,
)
FACE_GENERATOR = FaceGeneratorSizes(
    block_expansion=4,
    max_features=12,
    down_blocks=2,
    residual_blocks=1,
    attention_features=7,
    dense_motion=DENSE_MOTION,
    decoder=DECODER,
)
HEAD_POSE_EXPRESSION = HeadPoseExpressionSizes(stem_channels=4, channels=(8, 12), blocks=(1, 2), keypoints=5)
DISCRIMINATOR = DiscriminatorSizes(block_expansion=4, max_features=8, blocks=3, scales=(1.0, 0.5))
RECONSTRUCTION = ReconstructionSizes(channels=(4, 6, 8), blocks_before=1, blocks_after=1, attention_features=7)
AUDIO2EXP = Audio2ExpSizes(audio=AUDIO_ENCODER, expression=9)
POSE_CVAE = PoseCvaeSizes(
    frames=8,
    pose=6,
    audio_features=12,
    audio_embedding=3,
    latent=5,
    styles=4,
    hidden=16,
    unet_channels=(4, 6, 8),
)
POSE_DISCRIMINATOR = PoseDiscriminatorSizes(pose=6, channels=(4, 6, 8))
