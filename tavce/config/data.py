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
    min_frames: int = Field(gt=0, description="shorter clips are dropped, and shorter parts of one with a face")
    max_frames: int = Field(gt=0, description="longer clips are dropped: name start and end of parts of them")
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
    smooth_frames: int = Field(
        gt=0, le=25, description="frames over which landmarks are smoothed, without lag: odd; 1 = they are not"
    )
    min_face_px: float = Field(gt=0, description="smallest median box side")
    min_annotated_share: float = Field(
        gt=0, le=1, description="share of a face inside the annotated box, below which it is another face"
    )
    min_talker_corr: float = Field(
        gt=0, le=1, description="Pearson's r of mouth and sound from which, of several faces, one is said to talk"
    )
    every: int = Field(gt=0, description="the detector looks at every n-th frame, and where a face is lost")

    @model_validator(mode="after")
    def _middle_frame(self) -> Self:
        if self.smooth_frames % 2 == 0:
            raise ValueError(f"smooth_frames {self.smooth_frames} is even: a frame needs as many after as before it")
        return self

    @property
    def weights(self) -> tuple[str, ...]:
        """The published weights that the back-end needs, by their names in weights.yaml."""
        return self.WEIGHTS.get(self.backend, ())


class Crop(Section):
    """How faces are cut out. What each recipe does: `tavce/faces/recipes.py`."""

    recipe: Literal["vox", "hdtf", "released", "ffhq"] = Field(
        description="which frames, and which square: the longest tube, the whole clip, vox as released, turned upright"
    )
    size_px: int = Field(gt=0, multiple_of=16, description="side of the output frames")
    max_frames: int = Field(gt=0, description="longest crop; vox, released: a longer tube is several")
    min_iou_first: float = Field(
        ge=0, le=1, description="vox, released: a tube ends where the box overlaps its first one by less; 0: never"
    )
    margin: float = Field(
        ge=0, description="vox, hdtf, released: widening of the union box on each side, fraction of its side"
    )
    min_side_px: int = Field(ge=0, description="released: smallest longer side of a tube's box, before it is widened")
    max_outside: float = Field(
        ge=0, le=0.5, description="vox, hdtf, ffhq: largest share of the side filled by reflection, which mirrors once"
    )
    mouth_px: int = Field(
        gt=0, description="side of the square around the mouth that is stored apart, px: the metric's mouth_px"
    )
    jpeg_quality: int = Field(ge=1, le=100)

    @model_validator(mode="after")
    def _mouth_within(self) -> Self:
        if self.mouth_px > self.size_px:
            raise ValueError(
                f"mouth_px {self.mouth_px} is above size_px {self.size_px}: the mouth is a part of the crop, lower it"
            )
        return self


class Quality(Section):
    """Which clips are good enough, by what was measured of them; null = any. Nothing before this stage is rerun."""

    min_face_px: float | None = Field(
        gt=0, description="smallest median side of the face in the source; detect.min_face_px holds before it"
    )
    max_yaw_deg: float | None = Field(gt=0, le=180, description="turn to a side that 95 % of the frames stay below")
    max_pitch_deg: float | None = Field(gt=0, le=180, description="the same up or down")
    max_roll_deg: float | None = Field(gt=0, le=180, description="the same towards a shoulder")
    min_sharpness: float | None = Field(
        ge=0, description="median variance of the Laplacian over the face (tavce/data/measures.py)"
    )
    min_mouth_motion: float | None = Field(
        ge=0, description="range of the mouth's opening, fraction of the eyes' distance: less is a still picture"
    )
    max_miss_rate: float | None = Field(ge=0, le=1, description="share of the frames in which no face was found")
    max_cuts: int | None = Field(ge=0, description="changes of scene in the trimmed clip; its crop lies between two")
    max_faces: int | None = Field(ge=1, description="faces at once, in 95 % of the frames of the trimmed clip")
    min_loudness_db: float | None = Field(
        le=0, description="RMS re full scale of the frames that are used; trim.min_loudness_db is of the whole clip"
    )
    max_lag_frames: int = Field(gt=0, description="largest lag of sound and lips that is tried")
    max_av_offset_frames: int | None = Field(ge=0, description="lag at which lips and loudness go together best")
    min_av_corr: float | None = Field(ge=-1, le=1, description="Pearson's r of the lips' opening and loudness, in step")
    syncnet: bool = Field(description="measure SyncNet's confidence: weights to fetch, and 50 ms a frame on a core")
    min_sync_confidence: float | None = Field(ge=0, description="SyncNet's confidence")

    @model_validator(mode="after")
    def _confidence_is_measured(self) -> Self:
        if self.min_sync_confidence is not None and not self.syncnet:
            raise ValueError("min_sync_confidence is set but syncnet is false: nothing would measure it")
        return self

    @property
    def weights(self) -> tuple[str, ...]:
        """The published weights that are needed, by their names in weights.yaml."""
        return ("syncnet_v2",) if self.syncnet else ()


class Duplicates(Section):
    """Which clips of a dataset are the same: sound and pictures have nearly the same hashes."""

    max_bits: int | None = Field(ge=0, le=3, description="of 64, in which the sounds' hashes differ; null = not looked")


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


DEEP3D_EXPRESSION = 64  # expression coefficients of Deep3DFaceRecon


class Motion(Section):
    """Motion coefficients: expression, rotation (3) and translation (3)."""

    backend: Literal["landmarks", "deep3d"] = Field(
        description="landmarks: head pose and principal components; deep3d: Deep3DFaceRecon, its weights placed by you"
    )
    expression: int = Field(gt=0, le=136, description="expression coefficients; deep3d has 64")
    fit_frames: int = Field(gt=0, description="frames of the training split the basis is fitted on, at most")
    batch: int = Field(gt=0, description="frames a network sees at once")

    @model_validator(mode="after")
    def _deep3d_has_its_own_number(self) -> Self:
        if self.backend == "deep3d" and self.expression != DEEP3D_EXPRESSION:
            raise ValueError(f"backend deep3d has {DEEP3D_EXPRESSION} expression coefficients, not {self.expression}")
        return self

    @property
    def weights(self) -> tuple[str, ...]:
        """The published weights that the back-end needs, by their names in weights.yaml."""
        return () if self.backend == "landmarks" else (self.backend,)


class Gate(Section):
    """The fewest clips with which learning starts."""

    train: int = Field(ge=1)
    val: int = Field(ge=1)
    test: int = Field(ge=0)
