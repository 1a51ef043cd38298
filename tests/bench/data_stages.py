"""How fast the data stages are on a 640 × 480 clip: together, one by one, and against their floors.

The stages are the real commands, in this process, with one thread; time is processor time, ffmpeg's included, so
that frames a second are those of one core. A floor is what no code around it can beat: decoding the clip, and
running the two face networks over frames that are in memory already.
"""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tavce import cli, media
from tavce.config import paper
from tavce.faces.facemesh import FaceMesh
from tavce.records import Row, read_records, write_lines
from tests.bench.measurement import Measurement, core_seconds, median_ratio, seconds
from tests.bench.talking_clip import write_talking_clip

GOAL_FRAMES_PER_S = 40
REPEATS = 3
TIMED = ("trim", "detect", "crop", "quality", "mel", "motion")
BEFORE = {
    "trim": "download",
    "detect": "trim",
    "crop": "detect",
    "quality": "crop",
    "mel": "quality",
    "motion": "quality",
}


@dataclass(frozen=True)
class Workbench:
    """A folder with one clip in one shard, and the stages' commands on it."""

    folder: Path

    @property
    def video(self) -> Path:
        """The clip as a user would give it."""
        return self.folder / "clip.mp4"

    def prepare(self) -> None:
        """Write the clip and its sheet, and run every stage once, so that nothing is loaded while timed."""
        write_talking_clip(self.video)
        row = Row(clip_id="clip", dataset="bench", split="train", speaker="s", video_id="clip", source=str(self.video))
        write_lines(self.path("sheet"), [row])
        for stage in ("download", "trim", "detect", "crop", "quality", "mel", "basis", "motion"):
            self.run(stage)
        (record,) = read_records(self.path("motion"))
        assert record.kept, f"the clip was lost at {record.lost_at}: {record.detail}"

    def run(self, stage: str) -> None:
        """Run a stage's command in this process."""
        assert cli.main(self.command(stage)) == 0, f"tavce {stage} failed"

    def command(self, stage: str) -> list[str]:
        """Return the arguments of a data stage, with the paper's settings and one thread."""
        settings = ["--settings", paper().sections(stage)]
        crops = ("--crops", self.path("crop", ".h5"))
        if stage == "basis":
            return [stage, *settings, *crops, "--records", self.path("quality"), "--out", self.basis]
        shard = ["--rows", self.path("sheet"), "--records", self.path(stage), "--threads", "1"]
        if stage == "download":
            folders = ("raw", "quarantine", "ledger", "hosts")
            places = [word for name in folders for word in (f"--{name}", str(self.folder / name))]
            return [stage, *settings, *shard, *places]
        clips = ("--clips", self.path("trim", ".h5"))
        inputs = {
            "trim": (),
            "detect": clips,
            "crop": (*clips, "--faces", self.path("detect", ".h5")),
            "quality": (*clips, *crops, "--detected", self.path("detect")),
            "mel": clips,
            "motion": (*crops, "--basis", self.basis),
        }[stage]
        out = () if stage == "quality" else ("--out", self.path(stage, ".h5"))
        return [stage, *settings, *shard, "--before", self.path(BEFORE[stage]), *inputs, *out]

    @property
    def basis(self) -> str:
        """Where the expression basis lies."""
        return str(self.folder / "basis.npz")

    def path(self, stage: str, suffix: str = ".jsonl") -> str:
        """Return where a stage's records, or its arrays (.h5), lie."""
        return str(self.folder / stage / f"0000{suffix}")


def measure() -> Iterator[Measurement]:
    """Yield frames a second and ratios to the floors."""
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        workbench = Workbench(Path(folder))
        workbench.prepare()
        frames = list(media.decode(workbench.video))
        times = _times(workbench, frames)
    together = [sum(parts) for parts in zip(*(times[stage] for stage in TIMED), strict=True)]
    for name, spent in (("together", together), *times.items()):
        speed = len(frames) / statistics.median(spent)
        goal = GOAL_FRAMES_PER_S if name == "together" else None
        yield Measurement(f"data {name}", speed, "frames/s per core at 640x480", at_least=goal)
    floor = [sum(parts) for parts in zip(times["decode only"], times["networks only"], strict=True)]
    for name, spent, below in (
        ("trim / decode only", times["trim"], times["decode only"]),
        ("detect / decode and networks only", times["detect"], floor),
        ("crop / decode only", times["crop"], times["decode only"]),
        ("together / decode and networks only", together, floor),
    ):
        yield Measurement(f"data {name}", median_ratio(spent, below), "times")


def _times(workbench: Workbench, frames: list) -> dict[str, list[float]]:
    """Return the core seconds of stages and floors in every repeat."""
    back_end, every = FaceMesh(), paper().detect.every
    times = defaultdict(list)

    def decode_only() -> None:
        for _ in media.decode(workbench.video):
            pass

    def networks_only() -> None:
        looked = back_end.detect(frames[::every])
        back_end.landmarks(frames, [looked[number // every][0] for number in range(len(frames))])

    for _ in range(REPEATS):
        for stage in TIMED:
            times[stage].append(seconds(lambda stage=stage: workbench.run(stage), core_seconds))
        times["decode only"].append(seconds(decode_only, core_seconds))
        times["networks only"].append(seconds(networks_only, core_seconds))
    return times
