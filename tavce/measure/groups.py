"""The groups that metrics are measured in: what shares its work, its weights and its cached results."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import torch

from tavce.config import parse_sections
from tavce.config.data import Mel
from tavce.config.evaluation import Score
from tavce.config.learning import Window
from tavce.measure.clip import Clip
from tavce.measure.measurements import Measurements


@dataclass(frozen=True)
class Setup:
    """What a job measures with."""

    settings: Score
    window: Window
    mel: Mel
    side_px: int  # all videos are brought to this side
    device: str  # where networks run: cpu, cuda
    tavc: str | None = None  # best.pt of the metric that is asked for the TAVC similarity
    smooth_frames: int = 1  # over which a dataset's landmarks are smoothed, so that its mouths are cut alike; 1: none

    @classmethod
    def of(cls, settings: str, tavc: str | None) -> Self:
        """Return what a stage measures with: its settings as JSON, and a GPU where there is one."""
        sections = parse_sections(settings)
        return cls(
            settings=sections["score"],
            window=sections["window"],
            mel=sections["mel"],
            side_px=sections["synthesise"].image_px,
            device="cuda" if torch.cuda.is_available() else "cpu",
            tavc=tavc,
            smooth_frames=sections["detect"].smooth_frames,
        )


class Group(Protocol):
    """Measures some metrics of a clip after the other; weights are loaded once, when a group is made of a `Setup`.

    version: raise it when results change; cached results of another version are measured anew.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    version: ClassVar[int]

    def depends(self) -> object:
        """Return all that results depend on besides the clip, as JSON can hold it: settings read, digests of weights.

        Of weights that are not there, say so: once they are, cached reasons are measured anew.
        """

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Store a number or a reason for every metric of the group, with `Measurements.take`."""
