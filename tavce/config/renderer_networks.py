"""Sizes of the networks that the renderer is made of. The values live in `workflow/config/*.yaml`."""

from pydantic import Field

from tavce.config.data import Section


class MappingNetwork(Section):
    """Sizes of the mapping from coefficients to motion (`networks.mapping`)."""

    window: int = Field(gt=0, description="frames of coefficients around a frame")
    channels: int = Field(gt=0)
    kernel: int = Field(gt=0)
    residual_layers: int = Field(gt=0)
    residual_kernel: int = Field(gt=0)
    dilation: int = Field(gt=0)


class DetectorNetwork(Section):
    """Sizes of the canonical keypoint detector (`networks.keypoints`)."""

    block_expansion: int = Field(gt=0)
    max_features: int = Field(gt=0)
    blocks: int = Field(gt=0)
    depth: int = Field(gt=0)
    image_scale: float = Field(gt=0, le=1)
    temperature: float = Field(gt=0)


class DenseMotionNetwork(Section):
    """Sizes of the dense motion and of the feature volume (`networks.dense_motion`)."""

    volume_channels: int = Field(gt=0)
    volume_depth: int = Field(gt=0)
    compressed_channels: int = Field(gt=0)
    block_expansion: int = Field(gt=0)
    max_features: int = Field(gt=0)
    blocks: int = Field(gt=0)
    kernel: int = Field(gt=0)
    heatmap_variance: float = Field(gt=0)


class DecoderNetwork(Section):
    """Sizes of the SPADE decoder (`networks.decoder`)."""

    feature_channels: int = Field(gt=0)
    middle_channels: int = Field(gt=0)
    middle_blocks: int = Field(gt=0)
    up_channels: tuple[int, ...] = Field(min_length=1)
    modulation_channels: int = Field(gt=0)


class GeneratorNetwork(Section):
    """Sizes of the appearance encoder (`networks.generator`)."""

    block_expansion: int = Field(gt=0)
    max_features: int = Field(gt=0)
    down_blocks: int = Field(gt=0)
    residual_blocks: int = Field(gt=0, description="3D residual blocks of the appearance")


class DiscriminatorNetwork(Section):
    """Sizes of the multi-scale discriminator (`networks.discriminator`)."""

    scales: tuple[float, ...] = Field(min_length=1)
    block_expansion: int = Field(gt=0)
    max_features: int = Field(gt=0)
    blocks: int = Field(gt=0)


class EstimatorNetwork(Section):
    """Sizes of the head-pose/expression estimator (`networks.headpose`), built where `weights.expression` is not 0."""

    stem_channels: int = Field(gt=0)
    channels: tuple[int, ...] = Field(min_length=1, description="of each level; multiples of 4")
    blocks: tuple[int, ...] = Field(min_length=1, description="bottlenecks of each level")


class RendererNetworks(Section):
    """Sizes of everything the renderer is made of."""

    image_px: int = Field(gt=0, multiple_of=16)
    keypoints: int = Field(gt=0)
    mapping: MappingNetwork
    detector: DetectorNetwork
    dense_motion: DenseMotionNetwork
    decoder: DecoderNetwork
    generator: GeneratorNetwork
    discriminator: DiscriminatorNetwork
    estimator: EstimatorNetwork
