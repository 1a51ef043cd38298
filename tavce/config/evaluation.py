"""Settings of the evaluation: how test videos are made, whose they are, what is measured, and what tables say of it."""

import shlex
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from tavce.config.data import Section

Numbers = Annotated[dict[str, FiniteFloat], Field(min_length=1)]


class Synthesise(Section):
    """How the test videos are made."""

    image_px: int = Field(gt=0, multiple_of=16, description="side of all videos in the tables")
    expression_frames: int = Field(gt=0, description="frames audio2exp sees at once")
    pose: Literal["predicted", "still"] = Field(description="head movement of generated videos")
    style: int = Field(ge=0)
    batch: int = Field(gt=0, description="frames rendered at once; on a CPU fewer, they would take memory")
    crf: int = Field(ge=0, le=51)
    seed: int


class Other(Section):
    """Another method, known by its videos alone: a folder of them, or a command that makes one at a time.

    Every video is of one test clip, named by its id, and made from the portrait and the sound that `tavce inputs`
    writes, so that it shows the same crop.
    """

    videos: str | None = Field(
        None, min_length=1, description="folder with CLIP_ID.mp4; DATASET/CLIP_ID.mp4 for several datasets"
    )
    command: str | None = Field(
        None, description="makes one video: {portrait} and {audio} are given, {out} is to be written; no shell runs it"
    )
    timeout_s: int = Field(3600, gt=0, description="longest that the command may take for one clip")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.videos is None) == (self.command is None):
            raise ValueError("give videos or command: one of the two")
        for name in ("portrait", "audio", "out"):
            if self.command is not None and f"{{{name}}}" not in self.command:
                raise ValueError(f"command '{self.command}' lacks {{{name}}}")
        try:
            shlex.split(self.command or "")
        except ValueError as error:
            raise ValueError(f"command '{self.command}' cannot be split into words: {error}") from None
        return self


class Quoted(Section):
    """Numbers that others have published, on clips of their own choosing: shown, marked and never compared."""

    label: str
    source: str = Field(pattern=r"\S", description="where the numbers stand: paper and table, or address")
    datasets: dict[str, Numbers] = Field(min_length=1, description="dataset → metric → number")


class Score(Section):
    """What the tables measure."""

    JUDGES: ClassVar[tuple[str, ...]] = ("vgg16", "inception_fid", "arcface_r100", "syncnet_v2")  # weights, where there

    max_lag_frames: int = Field(gt=0, description="largest lag tried by av_offset")
    min_frames: int = Field(gt=0, description="fewest frames with landmarks for a number")
    max_frames_apart: int = Field(
        ge=0, description="by how much a video's length may differ from its reference's; what both have is compared"
    )
    frechet_frames: int = Field(gt=0, description="frames of a clip, evenly spaced, for Fréchet distances")
    tavc: str | None = Field(description="recipe of the metric that TAVC asks; null: none")


class Tables(Section):
    """What the tables' cells need, and how sure they are."""

    baseline: str = Field(description="the method that every other is tested against")
    min_clips: int = Field(gt=1, description="fewest clips with a number that a cell is made of")
    min_speakers: int = Field(gt=1, description="fewest speakers for an interval or a test")
    draws: int = Field(ge=100, description="bootstrap samples of the speakers, and signs drawn of a test")
    alpha: float = Field(gt=0, lt=1, description="error rate of intervals, and of all tests of a column together")
    frechet_n: int = Field(gt=1, description="frames of a Fréchet distance: fixed, as it depends on their number")
    frechet_subsets: int = Field(gt=1, description="subsets of so many frames, whose mean and spread are told")
    seed: int


class Report(Section):
    """What the report page shows."""

    max_clips: int = Field(gt=0, description="clips of a dataset whose videos are on the page")
