"""Settings of the data stages. The values live in `workflow/config/*.yaml`, not here."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A part of the settings: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    PACE: ClassVar[frozenset[str]] = frozenset()  # settings that change no result: a changed one reruns nothing


class Download(Section):
    """How videos are fetched. Only the heights decide what is fetched, all else is how fast and how patiently."""

    max_height_px: int = Field(
        gt=0, description="lines of the highest picture asked for; where all have more, the lowest"
    )
    min_height_px: int = Field(ge=0, description="lines below which a picture is refused (`no_format`); 0 = none is")
    concurrency: int = Field(gt=0, le=64, description="videos fetched at once by one job")
    attempts: int = Field(gt=0, description="tries of a video that bring nothing new, before the network is to blame")
    pause_s: float = Field(ge=0, description="before a second try; twice that before the third, at most a minute")
    timeout_s: float = Field(gt=0, description="silence of a server that counts as failure")
    per_host_s: float = Field(ge=0, description="between two starts at one host, all jobs together")
    closed_s: float = Field(ge=0, description="how long a host that limits requests (`rate_limited`) is left alone")
    closings: int = Field(ge=0, description="how often it is left alone before the rest is not asked for in this run")
    recheck_days: float = Field(ge=0, description="how long a video that is gone is not asked for again; 0 = every run")
    reserve_gb: float = Field(ge=0, description="free space that downloads leave on the disk, 10⁹ bytes")
    space_wait_s: float = Field(ge=0, description="how long a full disk is waited for before the rest is not asked for")
    keep_raw: bool = Field(
        description="keep downloads after their shard is trimmed; false: a change of trim fetches anew"
    )

    PACE = frozenset(
        {"concurrency", "attempts", "pause_s", "timeout_s", "per_host_s", "closed_s", "closings", "recheck_days"}
        | {"reserve_gb", "space_wait_s", "keep_raw"}
    )

    @model_validator(mode="after")
    def _heights_in_order(self) -> Self:
        if self.min_height_px > self.max_height_px:
            raise ValueError(f"min_height_px {self.min_height_px} is above max_height_px {self.max_height_px}")
        return self


class Trim(Section):
    """How clips are cut."""

    rate_hz: int = Field(gt=0, description="frames a second, by resampling in time")
    sample_rate_hz: int = Field(gt=0, description="samples a second, mono")
    min_frames: int = Field(gt=0, description="shorter clips are dropped")
    max_gap_frames: float = Field(ge=0, description="largest difference in length of sound and picture")
    min_loudness_db: float = Field(le=0, description="RMS re full scale below which a clip is silent")
    crf: int = Field(ge=0, le=51, description="H.264 quality, lower is better")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"]


class Detect(Section):
    """How faces are found and followed."""

    WEIGHTS: ClassVar[Mapping[str, tuple[str, ...]]] = {"face_alignment": ("s3fd", "fan4")}  # by back-end

    backend: Literal["facemesh", "face_alignment", "dlib"]
    min_score: float = Field(gt=0, lt=1, description="landmark score below which a frame has no face")
    min_iou: float = Field(gt=0, lt=1, description="overlap that continues a track from frame to frame")
    max_gap_frames: int = Field(ge=0, description="longest gap filled by interpolation")
    min_face_px: float = Field(gt=0, description="smallest median box side")
    min_annotated_share: float = Field(
        gt=0, le=1, description="share of a face inside the annotated box, below which it is another face"
    )
    every: int = Field(gt=0, description="the detector looks at every n-th frame, the landmarks at each")

    @property
    def weights(self) -> tuple[str, ...]:
        """The published weights that the back-end needs, by their names in weights.yaml."""
        return self.WEIGHTS.get(self.backend, ())


class Crop(Section):
    """How faces are cut out."""

    size_px: int = Field(gt=0, multiple_of=16, description="side of the output frames")
    margin: float = Field(ge=0, description="widening of the union box on each side, fraction of its side")
    max_outside: float = Field(ge=0, le=1, description="largest share of the crop filled by reflection")
    jpeg_quality: int = Field(ge=1, le=100)


class Mel(Section):
    """The log-mel spectrogram of Wav2Lip (paper.md, stage 1)."""

    sample_rate_hz: int = Field(gt=0)
    fft: int = Field(gt=0, description="samples of the Hann window and of the transform")
    hop: int = Field(gt=0, description="samples between steps")
    bins: int = Field(gt=0, description="mel bins (Slaney scale and area norm)")
    low_hz: float = Field(ge=0)
    high_hz: float = Field(gt=0)
    preemphasis: float = Field(ge=0, lt=1)
    floor_db: float = Field(lt=0, description="lowest level before the reference is taken off")
    reference_db: float = Field(description="taken off every level")
    bound: float = Field(gt=0, description="output range is ±bound")
    padding: Literal["zeros", "reflect"] = Field(description="zeros: librosa ≥ 0.9; reflect: before")


class Motion(Section):
    """Motion coefficients from landmarks: expression, rotation (3) and translation (3)."""

    expression: int = Field(gt=0, le=136, description="principal components of pose-free landmarks")
    fit_frames: int = Field(gt=0, description="frames of the training split the basis is fitted on, at most")


class Gate(Section):
    """The fewest clips with which learning starts."""

    train: int = Field(ge=1)
    val: int = Field(ge=1)
    test: int = Field(ge=0)
