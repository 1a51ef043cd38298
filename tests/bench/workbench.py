"""A folder with copies of one clip in one shard, and the data stages' real commands on it."""

from dataclasses import dataclass, field
from pathlib import Path

from tavce import cli
from tavce.config import Settings, paper
from tavce.records import Row, read_records, write_lines
from tests.pipeline import BEFORE


@dataclass(frozen=True)
class Workbench:
    """The folder; the clip lies there as a user would give it."""

    folder: Path
    clips: int = 1
    threads: int = 1
    settings: Settings = field(default_factory=paper)

    @property
    def video(self) -> Path:
        """The clip as a user would give it."""
        return self.folder / "clip.mp4"

    def prepare(self, *stages: str) -> None:
        """Write the sheet, and run stages once, so that nothing is loaded while timed."""
        rows = [
            Row(
                clip_id=f"clip{n}", dataset="bench", split="train", speaker="s", video_id="clip", source=str(self.video)
            )
            for n in range(self.clips)
        ]
        write_lines(self.path("sheet"), rows)
        for stage in ("download", *stages):
            self.run(stage)
        for record in read_records(self.path(stages[-1])) if stages else ():
            assert record.kept, f"the clip was lost at {record.lost_at}: {record.detail}"

    def run(self, stage: str) -> None:
        """Run a stage's command in this process."""
        assert cli.main(self.command(stage)) == 0, f"tavce {stage} failed"

    def command(self, stage: str) -> list[str]:
        """Return the arguments of a data stage."""
        settings = ["--settings", self.settings.sections(stage)]
        crops = ("--crops", self.path("crop", ".h5"))
        if stage == "basis":
            return [stage, *settings, *crops, "--records", self.path("quality"), "--out", self.basis]
        shard = ["--rows", self.path("sheet"), "--records", self.path(stage), "--threads", str(self.threads)]
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
