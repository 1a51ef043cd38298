"""The real commands of the data stages, run one after the other in a folder of their own."""

from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from tavce.cli import main
from tavce.config import Settings, load, merge
from tavce.records import ClipRecord, Row, read_records, read_rows, write_lines

PAPER = Path(__file__).parents[1] / "workflow/config/paper.yaml"
BEFORE = {
    "trim": "download",
    "detect": "trim",
    "crop": "detect",
    "quality": "crop",
    "mel": "quality",
    "motion": "quality",
}
INPUTS = {
    "detect": {"--clips": "trim"},
    "crop": {"--clips": "trim", "--faces": "detect"},
    "quality": {"--clips": "trim", "--crops": "crop"},
    "mel": {"--clips": "trim"},
    "motion": {"--crops": "crop"},
}
SHARD = "0000"


def row(clip_id: str, source: Path | str, **changes: object) -> Row:
    """Return a training clip of a speaker of its own."""
    said = {"clip_id": clip_id, "dataset": "mine", "split": "train", "speaker": clip_id, "video_id": str(source)}
    return Row(**{**said, "source": str(source), **changes})


def settings(**changes: object) -> Settings:
    """Return the paper's settings, with changes laid over them."""
    return load(merge(yaml.safe_load(PAPER.read_text(encoding="utf-8")), changes))


@dataclass(frozen=True)
class Pipeline:
    """One dataset of one shard, `results/mine`, below a folder."""

    folder: Path
    settings: Settings

    @property
    def root(self) -> Path:
        return self.folder / "results" / "mine"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger" / f"{SHARD}.jsonl"

    def h5(self, stage: str) -> Path:
        """Return where a stage's arrays lie."""
        return self.root / stage / f"{SHARD}.h5"

    def records_path(self, stage: str) -> Path:
        """Return where a stage's records, or the sheet's rows, lie."""
        return self.root / stage / f"{SHARD}.jsonl"

    def records(self, stage: str) -> dict[str, ClipRecord]:
        """Return a stage's records by clip."""
        return {record.clip_id: record for record in read_records(self.records_path(stage))}

    def reasons(self, stage: str) -> dict[str, str | None]:
        """Return why a stage has lost each clip, None where it is kept."""
        return {clip_id: record.reason for clip_id, record in self.records(stage).items()}

    def write_rows(self, *rows: Row) -> None:
        """Write the sheet."""
        write_lines(self.records_path("sheet"), rows)

    def rows(self) -> list[Row]:
        """Return the sheet."""
        return read_rows(self.records_path("sheet"))

    def with_settings(self, **changes: object) -> "Pipeline":
        """Return the same folder under the paper's settings with changes."""
        return replace(self, settings=settings(**changes))

    def run(self, stage: str, *options: str | Path) -> int:
        """Run a stage's command on the shard and return its exit status."""
        return main(self.command(stage, *options))

    def command(self, stage: str, *options: str | Path) -> list[str]:
        """Return the arguments of a stage's command."""
        arguments = [stage, "--settings", self.settings.sections(stage), "--rows", self.records_path("sheet")]
        arguments += ["--records", self.records_path(stage)]
        if stage in BEFORE:
            arguments += ["--before", self.records_path(BEFORE[stage])]
        else:
            arguments += ["--raw", self.folder / "raw", "--quarantine", self.folder / "quarantine"]
            arguments += ["--ledger", self.ledger, "--hosts", self.folder / "hosts"]
        if stage == "quality":
            arguments += ["--detected", self.records_path("detect")]
        elif stage in BEFORE:
            arguments += ["--out", self.h5(stage)]
        for option, source in INPUTS.get(stage, {}).items():
            arguments += [option, self.h5(source)]
        return [str(argument) for argument in (*arguments, *options)]

    def run_all(self, *stages: str) -> None:
        """Run stages, all of which must succeed."""
        for stage in stages:
            assert self.run(stage) == 0, stage

    def write_sheet(self) -> int:
        """Run the sheet's command and return its exit status."""
        sections = self.settings.sections("sheet")
        return main(["sheet", "--settings", sections, "--results", str(self.folder / "results")])
