"""Settings of the data stages. The values live in `workflow/config/*.yaml`, not here."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the settings: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Download(Section):
    """How videos are fetched."""

    max_height_px: int = Field(gt=0, description="highest picture asked for")
    attempts: int = Field(gt=0, description="tries of a video, with growing pauses, before it is given up")
    timeout_s: float = Field(gt=0, description="silence of a server that counts as failure")


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

    backend: Literal["facemesh"]
    min_score: float = Field(gt=0, lt=1, description="landmark score below which a frame has no face")
    min_iou: float = Field(gt=0, lt=1, description="overlap that continues a track from frame to frame")
    max_gap_frames: int = Field(ge=0, description="longest gap filled by interpolation")
    min_face_px: float = Field(gt=0, description="smallest median box side")
    min_annotated_share: float = Field(
        gt=0, le=1, description="share of a face inside the annotated box, below which it is another face"
    )
    every: int = Field(gt=0, description="the detector looks at every n-th frame, the landmarks at each")


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
