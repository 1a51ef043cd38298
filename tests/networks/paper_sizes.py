"""The layouts of the paper, as its released code and the published SadTalker / face-vid2vid weights have them."""

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

AUDIO_ENCODER = AudioEncoderSizes(channels=(32, 64, 128, 256, 512))
CORRELATION_AUDIO_ENCODER = CorrelationAudioEncoderSizes(audio=AUDIO_ENCODER, embedding=128)
VISUAL_ENCODER = VisualEncoderSizes(input_px=112, channels=(64, 128, 256, 512), embedding=128)

MAPPING = MappingSizes(
    coefficients=70,
    window=27,
    channels=1024,
    kernel=7,
    residual_layers=3,
    residual_kernel=3,
    dilation=3,
    keypoints=15,
)
KEYPOINT_DETECTOR = KeypointDetectorSizes(
    keypoints=15,
    block_expansion=32,
    max_features=1024,
    blocks=5,
    depth=16,
    image_scale=0.25,
    temperature=0.1,
)
DENSE_MOTION = DenseMotionSizes(
    keypoints=15,
    volume_channels=32,
    volume_depth=16,
    compressed_channels=4,
    block_expansion=32,
    max_features=1024,
    blocks=5,
    kernel=7,
    heatmap_variance=0.01,
)
DECODER = SpadeDecoderSizes(
    feature_channels=256,
    middle_channels=512,
    middle_blocks=6,
    up_channels=(256, 64),
    modulation_channels=128,
)
FACE_GENERATOR = FaceGeneratorSizes(
    block_expansion=64,
    max_features=512,
    down_blocks=2,
    residual_blocks=6,
    attention_features=128,
    dense_motion=DENSE_MOTION,
    decoder=DECODER,
)
HEAD_POSE_EXPRESSION = HeadPoseExpressionSizes(
    stem_channels=64,
    channels=(256, 512, 1024, 2048),
    blocks=(3, 4, 6, 3),
    keypoints=15,
)
DISCRIMINATOR = DiscriminatorSizes(block_expansion=64, max_features=512, blocks=4, scales=(1.0,))
RECONSTRUCTION = ReconstructionSizes(
    channels=(64, 128, 256, 512),
    blocks_before=5,
    blocks_after=4,
    attention_features=128,
)
AUDIO2EXP = Audio2ExpSizes(audio=AUDIO_ENCODER, expression=64)
POSE_CVAE = PoseCvaeSizes(
    frames=32,
    pose=6,
    audio_features=512,
    audio_embedding=6,
    latent=64,
    styles=46,
    hidden=128,
    unet_channels=(32, 64, 128, 256),
)
POSE_DISCRIMINATOR = PoseDiscriminatorSizes(pose=6, channels=(256, 512, 1024))
