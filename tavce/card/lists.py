"""What identifies the splits of a dataset: the lists as the sheet has them, and those of the clips that were kept."""

import hashlib
from collections import defaultdict
from pathlib import Path

from tavce.data.counts import ShardRecords
from tavce.records import SPLITS


class Lists:
    """The ids of the finished clips, by split."""

    def __init__(self) -> None:
        self._kept: dict[str, list[str]] = defaultdict(list)

    def add(self, shard: ShardRecords) -> None:
        """Take the finished clips of a shard."""
        for record in shard.records["index"]:
            if record.kept:
                self._kept[record.split].append(record.clip_id)

    def as_json(self, folder: Path) -> dict[str, dict[str, str]]:
        """Return by split the SHA-256 of its list in `folder`, and of the sorted ids of its finished clips."""
        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        listed = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
        return {split: {"listed": listed[f"{split}.txt"], "kept": _digest(self._kept[split])} for split in SPLITS}


def _digest(clips: list[str]) -> str:
    return hashlib.sha256("".join(f"{clip_id}\n" for clip_id in sorted(clips)).encode()).hexdigest()
