"""Settings of the metric and of every training. The values live in `workflow/config/*.yaml`."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tavce.config import starts
from tavce.config.data import Section


class Window(Section):
    """The sound that belongs to one frame: `steps` mel steps from int(mel_rate · (frame − lead) / rate)."""

    steps: int = Field(gt=0, description="mel steps")
    lead_frames: int = Field(ge=0)
    rate_hz: int = Field(gt=0, description="frames a second")
    mel_rate_hz: int = Field(gt=0, description="mel steps a second")


class Training(Section):
    """How long and how fast a network learns."""

    batch: int = Field(gt=0, description="samples that a device computes at once")
    accumulate: int = Field(
        gt=0,
        description="batches whose gradients are averaged before the optimisers step: where `batch` samples are all "
        "that fits on a device, it learns as from batch · accumulate; batch norm still sees one batch. 1: off",
    )
    epochs: int = Field(gt=0)
    repeats: int = Field(gt=0, description="draws of every clip an epoch")
    rate: float = Field(gt=0, description="learning rate")
    decay_every: int = Field(gt=0, description="epochs between decays of the learning rate")
    decay: float = Field(gt=0, le=1)
    checkpoint_every: int = Field(gt=0, description="steps between checkpoints, besides one an epoch")
    log_every: int = Field(gt=0, description="steps between logged losses")
    validate_batches: int = Field(gt=0)
    patience: int | None = Field(
        gt=0, description="epochs without a better validation after which a run ends early; null: it never does"
    )
    sync_batchnorm: bool = Field(
        description="whether batch norm normalises over all devices' samples, so that several devices learn what one "
        "learns from their batches together; where one device's batch is small (below 8 or so). Slower; of no effect "
        "on one device. The paper's batch is one device's"
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    ema: float | None = Field(
        gt=0,
        lt=1,
        description="decay a step of an exponential moving average of the weights, which is then what is validated and "
        "kept as the best; null: none",
    )
    channels_last: bool = Field(
        description="whether pictures and the weights of 2D convolutions lie in memory channel by channel of a pixel: "
        "faster on GPUs with tensor cores, above all in half precision; results differ by rounding"
    )
    compile: bool = Field(
        description="whether torch.compile makes kernels for the networks: faster after minutes of compiling, needs a "
        "C++ compiler where it runs; results differ by rounding"
    )
    workers: int = Field(ge=0, description="loader processes")
    seed: int

    @property
    def samples_a_step(self) -> int:
        """Samples that one device learns from in a step of the optimisers."""
        return self.batch * self.accumulate


class Reconstruction(Section):
    """Sizes of the generators of L_rec (`networks.reconstruction`)."""

    channels: tuple[int, ...] = Field(min_length=1, description="of the stem and of each down block")
    blocks_before: int = Field(gt=0, description="residual blocks before the attention")
    blocks_after: int = Field(gt=0, description="residual blocks after the attention")


class MetricNetworks(Section):
    """Sizes of the two encoders and the reconstruction generators."""

    audio_channels: tuple[int, int, int, int, int]
    visual: Literal["resnet18", "iresnet18"]
    visual_channels: tuple[int, int, int, int]
    features: int = Field(gt=0)
    reconstruction: Reconstruction


class Metric(Section):
    """One recipe of the correlation metric."""

    PERCEPTUAL: ClassVar[Mapping[str, tuple[str, ...]]] = {"lpips_vgg": ("vgg16", "lpips_vgg")}  # others: their name

    networks: MetricNetworks
    audio_start: starts.AudioStart = Field(description="where E_a starts; wav2lip, tavce: files that you place")
    visual_start: starts.VisualStart = Field(
        description="where E_v starts; imagenet: resnet18, fetched; arcface, tavce: iresnet18, files that you place"
    )
    mouth_px: int = Field(gt=0, description="side of the mouth box in the face crop")
    input_px: int = Field(gt=0, multiple_of=16, description="side the mouth box is resized to")
    negatives: Literal["time", "audio", "speaker", "both"]
    spacing: int = Field(gt=0, description="frames between the two moments of a pair (Δ)")
    distance: int = Field(gt=0, description="fewest frames from a moment to its negative (τ)")
    signed: bool = Field(description="similarity is cos of the two changes, not the paper's cos²")
    margin: float = Field(ge=0, lt=1)
    negative_weight: float = Field(ge=0, description="α")
    reconstruction_weight: float = Field(ge=0, description="λ")
    perceptual: Literal["lpips_vgg", "vgg19", "mobilenetv2"] = Field(description="what judges the reconstruction")
    training: Training

    @model_validator(mode="after")
    def _negatives_are_no_pairs(self) -> Self:
        if self.distance <= self.spacing:
            raise ValueError(f"distance {self.distance} must exceed spacing {self.spacing}: negatives would be pairs")
        return self

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        for words in starts.misfits(self):
            raise ValueError(words)
        return self

    @property
    def start_weights(self) -> tuple[str, ...]:
        """The published weights that learning starts from, by their names in weights.yaml."""
        return starts.weights(self)

    @property
    def weights(self) -> tuple[str, ...]:
        """All published weights that are needed, by their names in weights.yaml."""
        judges = self.PERCEPTUAL.get(self.perceptual, (self.perceptual,)) if self.reconstruction_weight else ()
        return self.start_weights + judges


class Listening(Section):
    """The check whether a trained metric listens, and what follows where it does not."""

    max_clips: int = Field(gt=0, description="held-out clips that are asked")
    min_auc: float = Field(ge=0.5, lt=1, description="AUC against other moments' sound, below which a metric is deaf")
    gates: dict[str, Literal["warn", "stop", "off"]] = Field(
        description="recipe → what a deaf one does: warn, stop before the generator learns from it, or nothing; "
        "recipes that are not named warn"
    )

    def gate_of(self, recipe: str) -> str:
        """Return what a deaf metric of this recipe does."""
        return self.gates.get(recipe, "warn")
