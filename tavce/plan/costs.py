"""What a job takes, as numbers in a file: sizes of corpora, costs of stages, FLOPs of training steps.

Reads   workflow/config/costs.yaml, and a file of the user's laid over it
Says    of every number's origin as much as the file does: measured, published or assumed
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from tavce.config import merge, read_mapping
from tavce.config.data import Section
from tavce.config.explain import SettingsError, explain, known_keys

TABLE = Path(__file__).parents[2] / "workflow/config/costs.yaml"


@dataclass(frozen=True)
class Load:
    """What a job is given."""

    clips: float
    seconds: float  # of video, all clips together
    megapixels: float  # of a frame


class CorpusSize(Section):
    """How large a corpus is."""

    videos: int = Field(gt=0, description="files the clips are cut from")
    clips: int = Field(gt=0)
    test_clips: int = Field(ge=0, description="those of them that the tables are made from")
    hours: float = Field(gt=0, description="of all clips")
    width_px: int = Field(gt=0, description="of the videos")
    height_px: int = Field(gt=0, description="of the videos")
    fetched_hours: float = Field(0, ge=0, description="of the whole videos that are downloaded; 0: they are here")

    @property
    def clip_s(self) -> float:
        """The mean length of a clip, seconds."""
        return self.hours * 3600 / self.clips

    @property
    def megapixels(self) -> float:
        """The size of a frame."""
        return self.width_px * self.height_px / 1e6


class StageCost(Section):
    """What a stage takes on one core: seconds, and bytes on disk."""

    job_s: float = Field(ge=0, description="to start and to end")
    clip_s: float = Field(0, ge=0, description="more for each clip")
    second_s: float = Field(0, ge=0, description="more for each second of video")
    pixel_s: float = Field(0, ge=0, description="more for each second of video and megapixel of its frames")
    second_bytes: float = Field(0, ge=0, description="written for each second of video")
    pixel_bytes: float = Field(0, ge=0, description="written for each second of video and megapixel of its frames")

    def wall_s(self, load: Load) -> float:
        """Return the seconds of one job."""
        per_second = self.second_s + self.pixel_s * load.megapixels
        return self.job_s + self.clip_s * load.clips + per_second * load.seconds

    def bytes(self, load: Load) -> float:
        """Return the bytes that one job leaves on disk."""
        return (self.second_bytes + self.pixel_bytes * load.megapixels) * load.seconds


class TrainingCost(Section):
    """What a network of one shape takes to learn."""

    what: str = Field(description="which network, in words")
    flops: float = Field(gt=0, description="of a training step, for each sample")
    frame_flops: float = Field(0, ge=0, description="to render one frame")
    loader_s: float = Field(ge=0, description="of one core, to load a sample")
    bytes: float = Field(ge=0, description="of its checkpoints")


class Costs(Section):
    """Everything a plan is computed from."""

    machine: str = Field(description="where and when the costs of the stages were measured")
    datasets: dict[str, CorpusSize]
    stages: dict[str, StageCost]
    trainings: dict[str, TrainingCost] = Field(description="by shape (`tavce.plan.learning`)")
    tflops: float = Field(gt=0, description="sustained by a GPU, 10¹² operations a second: an assumption")
    fetched_mbit_s: float = Field(gt=0, description="bit rate of fetched videos: an assumption")
    network_mbit_s: float = Field(gt=0, description="what a download job gets of the network: an assumption")


def load(changes: str | None = None) -> Costs:
    """Return the table of costs, with a file of the user's laid over it.

    Raises:
        SettingsError: the file cannot be read, or a number in it cannot be used.
    """
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    if changes:
        table = merge(table, read_mapping(changes, "`datasets: {name: {videos: 10, …}}`"))
    try:
        return Costs.model_validate(table)
    except ValidationError as error:
        raise SettingsError(f"{changes or TABLE}: {explain(error, known_keys(Costs))}") from None
