"""What a dataset card says of a corpus, counted from its sheet and the records of every stage, shard by shard."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tavce.data.counts import ShardRecords
from tavce.records import SPLITS, Row

QUANTILES = (0.05, 0.5, 0.95)
MEASURED = {  # at a stage, under a name that is its name here, too
    **dict.fromkeys(("seconds", "face_px", "yaw_deg", "pitch_deg", "roll_deg", "sharpness", "miss_rate"), "quality"),
    **dict.fromkeys(("loudness_db", "av_corr", "av_offset"), "quality"),
}


@dataclass
class Kept:
    """The finished clips of a split."""

    clips: int = 0
    seconds: float = 0.0
    speakers: set[str] = field(default_factory=set)
    videos: set[str] = field(default_factory=set)


class Facts:
    """Counts over the clips of one corpus."""

    def __init__(self, rate_hz: int):
        self._rate_hz = rate_hz
        self.rows = 0
        self.usable = 0
        self.moved = 0
        self.annotated_frames = 0
        self.unusable: Counter[str] = Counter()
        self.licences: Counter[str] = Counter()
        self.speakers: set[str] = set()
        self.videos: set[str] = set()
        self.kept: dict[str, Kept] = defaultdict(Kept)
        self.dropped: Counter[tuple[str, str]] = Counter()
        self._measured = {name: array("f") for name in MEASURED}

    def add(self, shard: ShardRecords) -> None:
        """Count the clips of a shard."""
        of_stage = {name: shard.records[stage] for name, stage in MEASURED.items()}
        for number, (row, final) in enumerate(zip(shard.rows, shard.records["index"], strict=True)):
            self._add_row(row)
            if final.kept:
                said = {name: records[number].numbers.get(name) for name, records in of_stage.items()}
                self._add_kept(row, said)
            elif final.lost_at != "sheet":
                self.dropped[str(final.lost_at), str(final.reason)] += 1

    def _add_row(self, row: Row) -> None:
        self.rows += 1
        self.licences[row.licence] += 1
        if row.reason is not None:
            self.unusable[row.reason] += 1
            return
        self.usable += 1
        self.moved += row.listed is not None
        self.speakers.add(row.speaker)
        self.videos.add(row.video_id)
        if row.end_frame is not None:
            self.annotated_frames += row.end_frame - row.start_frame + 1

    def _add_kept(self, row: Row, said: dict[str, object]) -> None:
        kept = self.kept[row.split]
        kept.clips += 1
        kept.seconds += float(said["seconds"] or 0)
        kept.speakers.add(row.speaker)
        kept.videos.add(row.video_id)
        for name, value in said.items():
            if value is not None:
                self._measured[name].append(float(value))

    def as_json(self, speakers_known: bool) -> dict[str, object]:
        """Return the counts as JSON values; hours and seconds are those of the clips, quantiles over finished ones."""
        kept = sum(split.clips for split in self.kept.values())
        return {
            "annotated": {
                "rows": self.rows,
                "usable": self.usable,
                "unusable": dict(sorted(self.unusable.items())),
                "videos": len(self.videos),
                "speakers": len(self.speakers) if speakers_known else None,
                "hours": _hours(self.annotated_frames / self._rate_hz) if self.annotated_frames else None,
                "moved_to_another_split": self.moved,
            },
            "totals": {"rows": self.rows, "kept": kept, "dropped": self.unusable.total() + self.dropped.total()},
            "licences": dict(sorted(self.licences.items())),
            "kept": {split: _kept(self.kept[split], speakers_known) for split in SPLITS},
            "dropped": _by_stage(self.dropped),
            "quantiles": {name: _quantiles(values) for name, values in self._measured.items()},
        }


def _kept(kept: Kept, speakers_known: bool) -> dict[str, object]:
    speakers = len(kept.speakers) if speakers_known else None
    return {"clips": kept.clips, "hours": _hours(kept.seconds), "speakers": speakers, "videos": len(kept.videos)}


def _by_stage(dropped: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    stages: dict[str, dict[str, int]] = defaultdict(dict)
    for (stage, reason), number in sorted(dropped.items()):
        stages[stage][reason] = number
    return dict(stages)


def _hours(seconds: float) -> float:
    return round(seconds / 3600, 4)


def _quantiles(values: Iterable[float]) -> dict[str, float] | None:
    values = np.asarray(values)
    if not len(values):
        return None
    return {
        f"p{round(100 * share)}": round(float(at), 2)
        for share, at in zip(QUANTILES, np.quantile(values, QUANTILES), strict=False)
    }
