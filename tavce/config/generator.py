"""Settings of the networks of the generator. The values live in `workflow/config/*.yaml`."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tavce.config import generator_starts
from tavce.config.data import Section
from tavce.config.learning import Training
from tavce.config.renderer_networks import RendererNetworks

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Audio2Exp(Section):
    """Sound to expression."""

    start: generator_starts.CoefficientStart = Field(
        description="where it starts; wav2lip (its audio encoder), sadtalker (all of it): files that you place"
    )
    audio_channels: tuple[int, int, int, int, int]
    frames: int = Field(gt=0, description="frames of a training window")
    coefficient_weight: float = Field(ge=0)
    landmark_weight: float = Field(ge=0)
    blink_weight: float = Field(ge=0)
    training: Training

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        for words in generator_starts.audio2exp_misfits(self):
            raise ValueError(words)
        return self

    @property
    def start_weights(self) -> tuple[str, ...]:
        """The published weights that learning starts from, by their names in weights.yaml."""
        return generator_starts.coefficient_weights(self.start)


class Audio2Pose(Section):
    """Sound to head movement: a conditional variational auto-encoder against a sequence discriminator."""

    start: generator_starts.CoefficientStart = Field(
        description="where it starts; wav2lip (its audio encoder), sadtalker (all of it): files that you place"
    )
    audio_channels: tuple[int, int, int, int, int]
    frames: int = Field(gt=0, multiple_of=16, description="frames of a window")
    latent: int = Field(gt=0)
    styles: int = Field(gt=0, description="style classes")
    hidden: int = Field(gt=0, description="width of the MLPs")
    audio_embedding: int = Field(gt=0, description="what a frame's sound is narrowed to")
    unet_channels: tuple[int, ...] = Field(min_length=2, description="widths of the U-Net over the sequence")
    discriminator_channels: tuple[int, int, int]
    regression_weight: float = Field(ge=0)
    gan_weight: float = Field(ge=0)
    kl_weight: float = Field(ge=0, description="of the divergence a number of the window, as the regression is")
    training: Training

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        for words in generator_starts.audio2pose_misfits(self):
            raise ValueError(words)
        return self

    @property
    def start_weights(self) -> tuple[str, ...]:
        """The published weights that learning starts from, by their names in weights.yaml."""
        return generator_starts.coefficient_weights(self.start)


class RendererWeights(Section):
    """Weights of the renderer's losses."""

    gan: float = Field(ge=0)
    feature_matching: float = Field(ge=0)
    perceptual: float = Field(ge=0)
    expression: float = Field(
        ge=0, description="not 0: needs the published head-pose/expression estimator, a file that you place"
    )
    l1: float = Field(ge=0)
    mouth_l1: float = Field(ge=0, description="L1 inside the mouth box, on top of l1 (not in the paper)")
    correlation: float = Field(ge=0)


class Renderer(Section):
    """One variant of the face renderer."""

    networks: RendererNetworks
    start: generator_starts.RendererStart = Field(
        description="where it starts; facevid2vid: all but the mapping; sadtalker (.safetensors), sadtalker_pth (the "
        "older files): all of it; files that you place"
    )
    metric: str = Field(description="recipe of the metric it listens to")
    attention: Literal["none", "features", "volume", "warped"] = Field(
        description="where in the generator the correlation acts as channel attention: nowhere, on the features of the "
        "portrait (the paper), on their volume after the 3D residual blocks, on the warped volume; true is features, "
        "false is none"
    )
    weights: RendererWeights
    perceptual: Literal["vgg19", "mobilenetv2"]
    perceptual_scales: tuple[float, ...]
    mapping_rate: float = Field(gt=0, description="learning rate of the mapping")
    betas: tuple[Fraction, Fraction] = Field(description="Adam's decay rates, of both optimisers")
    samples_every: int = Field(gt=0, description="steps between pictures of what it renders")
    training: Training

    @field_validator("attention", mode="before")
    @classmethod
    def _yes_or_no(cls, value: object) -> object:
        return {True: "features", False: "none"}[value] if isinstance(value, bool) else value

    @property
    def attends(self) -> bool:
        """Whether there is an attention, which needs a metric also where nothing is learnt."""
        return self.attention != "none"

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        for words in generator_starts.renderer_misfits(self):
            raise ValueError(words)
        return self

    @property
    def placed_weights(self) -> tuple[str, ...]:
        """The published weights that a user places, to start from or for the expression loss, by their names."""
        return generator_starts.renderer_weights(self.start, bool(self.weights.expression))

    @property
    def all_weights(self) -> tuple[str, ...]:
        """All published weights that are needed, by their names in weights.yaml."""
        return self.placed_weights + ((self.perceptual,) if self.weights.perceptual else ())
