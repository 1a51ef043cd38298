"""The rows of one corpus as its reader yields them: on disk by shard, so that millions need no memory, and checked.

Nothing of the results is touched before every corpus of the run is read and its leaks are resolved.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tavce.corpora.source import Source
from tavce.corpora.videos import video_key
from tavce.records import SPLITS, InputError, Reason, Row, Split
from tavce.shards import shard_of
from tavce.sheet.leaks import Decision, Group, Size

BUFFER_BYTES = 64 * 2**20  # of rows, until they are written


class Draft:
    """The rows of a corpus, in a new folder of their own, and what is known of them."""

    def __init__(self, source: Source, folder: Path):
        self.groups: dict[Group, Size] = {}
        self.living = False  # rows depend on files of their own, which may change at any time
        self._source = source
        self._folder = folder
        self._clips: dict[str, Group | None] = {}  # None = not usable
        self._videos: dict[str, Video] = {}
        self._group_of: dict[Group, Group] = {}  # one object each, however many clips
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._waiting_bytes = 0
        folder.mkdir(parents=True)

    @property
    def clips(self) -> int:
        """How many rows there are."""
        return len(self._clips)

    def take(self, rows: Iterable[Row]) -> "Draft":
        """Write rows by shard, and return the draft.

        Raises:
            InputError: two rows share a clip id, or a video id stands for two sources.
        """
        for row in rows:
            if row.clip_id in self._clips:
                raise self._same_clip(row)
            video = self._video(row)
            self._clips[row.clip_id] = self._count(row, video.key) if row.reason is None else None
            lost = row.reason == Reason.MISSING_FILE
            self.living |= not self._source.corpus.FIXED and (bool(row.stamp) or lost)
            self._keep(video.shard, as_line(row))
        self._flush()
        return self

    def text(self, shard: str, decisions: Mapping[Group, Decision]) -> str:
        """Return the rows of a shard, one JSON object a line, after what was decided about them."""
        path = self._path(shard)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        return "".join(self._decided(line, decisions) for line in _lines(text)) if decisions else text

    def split_lists(self, decisions: Mapping[Group, Decision]) -> dict[Split, list[str]]:
        """Return the clip ids of every split, in order, unusable and dropped ones left out."""
        lists: dict[Split, list[str]] = {split: [] for split in SPLITS}
        for clip_id, group in self._clips.items():
            if group is not None:
                decision = decisions.get(group)
                split = group.split if decision is None else decision.split
                if split is not None:
                    lists[split].append(clip_id)
        return {split: sorted(clips) for split, clips in lists.items()}

    def _path(self, shard: str) -> Path:
        return self._folder / f"{shard}.jsonl"

    def _video(self, row: Row) -> "Video":
        video = self._videos.get(row.video_id)
        if video is None:
            shard = shard_of(row.video_id, self._source.corpus.shards)
            video = self._videos[row.video_id] = Video(row.source, video_key(row.source), shard)
        if video.source != row.source:
            raise InputError(
                f"corpus {self._source.dataset}: video id '{row.video_id}' stands for {video.source} and for "
                f"{row.source}: give each video an id of its own, or none"
            )
        return video

    def _count(self, row: Row, key: str) -> Group:
        group = Group(row.speaker, key, row.split)
        group = self._group_of.setdefault(group, group)
        if self._source.corpus.SPEAKERS_KNOWN:
            before = self.groups.get(group, Size(0, row.clip_id))
            self.groups[group] = Size(before.clips + 1, before.first)
        return group

    def _keep(self, shard: str, line: str) -> None:
        self._waiting[shard].append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes > BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        for shard, lines in self._waiting.items():
            with open(self._path(shard), "a", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _decided(self, line: str, decisions: Mapping[Group, Decision]) -> str:
        row = Row.model_validate_json(line)
        group = self._clips[row.clip_id]
        decision = decisions.get(group) if group else None
        if decision is None:
            return f"{line}\n"
        if decision.split is None:
            return as_line(row.model_copy(update={"reason": Reason.LEAK, "detail": decision.detail}))
        detail = "; ".join(filter(None, [row.detail, decision.detail]))
        return as_line(row.model_copy(update={"split": decision.split, "listed": row.split, "detail": detail}))

    def _same_clip(self, row: Row) -> InputError:
        """Return the refusal of a second row with a clip id; the first is among the rows that were written."""
        self._flush()
        texts = (path.read_text(encoding="utf-8") for path in sorted(self._folder.iterdir()))
        rows = (json.loads(line) for text in texts for line in _lines(text))
        other = next(said for said in rows if said["clip_id"] == row.clip_id)
        return InputError(
            f"corpus {self._source.dataset}: clip id '{row.clip_id}' stands for {other['source']} and for "
            f"{row.source}: rename a file, or give both lines a clip_id of their own"
        )


class Video(NamedTuple):
    """Where a video comes from, what it is known by in all corpora, and its shard."""

    source: str
    key: str
    shard: str


def as_line(row: Row) -> str:
    """Return a row as its table has it: what is as usual is left out."""
    return row.model_dump_json(exclude_defaults=True) + "\n"


def _lines(text: str) -> list[str]:
    return text.split("\n")[:-1]  # U+2028 and its like, which `splitlines` breaks at, are text
