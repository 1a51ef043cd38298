"""The shard tables of one corpus: whether they are still what its files and settings give, and how they are written.

Writes  sheet/{shard}.jsonl; a table whose rows did not change is not touched
        split/{train,val,test}.txt, one clip id a line, and SHA256SUMS of the three (`sha256sum -c`)
        sheet/origin.json, what the tables were made from, and sheet/groups.ndjson, what leaks are looked for in
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from tavce.config.corpora import OWN_SECTIONS
from tavce.corpora.source import Source
from tavce.files import digest, read_json, sha256, write_json, write_text
from tavce.records import SPLITS
from tavce.shards import shard_names
from tavce.sheet.draft import Draft
from tavce.sheet.leaks import Decision, Group, Listing, Size
from tavce.stages import STAGES

log = logging.getLogger(__name__)
SUMS = "SHA256SUMS"
GROUPS = "groups.ndjson"


class Tables:
    """The tables of one corpus, below the folder of its results."""

    def __init__(self, root: Path, source: Source):
        self._root = root
        self._source = source
        self._names = shard_names(source.corpus.shards)
        self._origin = root / "sheet" / "origin.json"
        self._noted: dict[str, str] = read_json(self._origin) if self._origin.is_file() else {}
        self._read = _origin(source)

    @property
    def current(self) -> bool:
        """Whether the tables that are there were made from the same files and settings."""
        return self._noted.get("read") == self._read and all(path.is_file() for path in self._files())

    def listing(self, draft: Draft | None) -> Listing:
        """Return the corpus' groups: the draft's, or those of the tables that are there."""
        groups = _read_groups(self._root / "sheet" / GROUPS) if draft is None else draft.groups
        return Listing(self._source.dataset, self._source.corpus, groups)

    def decided(self, decisions: Mapping[Group, Decision]) -> bool:
        """Return whether the tables that are there follow these decisions."""
        return self._noted.get("decisions") == _digest(decisions)

    def key(self, draft: Draft | None) -> list[object]:
        """Return what leaks of this corpus depend on."""
        groups = self._noted["groups"] if draft is None else _groups_digest(draft.groups)
        corpus = self._source.corpus
        return [self._source.dataset, corpus.PEOPLE, corpus.train, corpus.evaluate, groups]

    def write(self, draft: Draft, decisions: Mapping[Group, Decision]) -> None:
        """Write one table a shard, and touch only those whose rows changed."""
        read = "" if draft.living else self._read
        note = {"read": read, "decisions": _digest(decisions), "groups": _groups_digest(draft.groups)}
        if read:
            self._origin.unlink(missing_ok=True)  # whoever is killed here reads the corpus again
        folder = self._root / "sheet"
        changed = sum(_renew(folder / f"{name}.jsonl", draft.text(name, decisions)) for name in self._names)
        for path in folder.glob("*.jsonl"):
            if path.stem not in self._names:
                path.unlink()
        if changed:
            log.info("%s: %d clips, %d of %d tables changed", folder, draft.clips, changed, len(self._names))
        self._write_splits(draft, decisions)
        _write_groups(folder / GROUPS, draft.groups)
        if read or note != self._noted:
            write_json(self._origin, note)

    def _write_splits(self, draft: Draft, decisions: Mapping[Group, Decision]) -> None:
        folder = self._root / "split"
        for split, clips in draft.split_lists(decisions).items():
            _renew(folder / f"{split}.txt", "".join(f"{clip_id}\n" for clip_id in clips))
        _renew(folder / SUMS, "".join(f"{sha256(folder / f'{split}.txt')}  {split}.txt\n" for split in SPLITS))

    def _files(self) -> list[Path]:
        sheet = [self._root / "sheet" / name for name in (*(f"{name}.jsonl" for name in self._names), GROUPS)]
        return [*sheet, *(self._root / "split" / name for name in (*(f"{split}.txt" for split in SPLITS), SUMS))]


def _renew(path: Path, text: str) -> bool:
    """Write a file whose text changed; return whether it did."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def _origin(source: Source) -> str:
    """Return what identifies a corpus' settings, its own files, and this code."""
    corpus = source.corpus
    split = getattr(corpus, "split", None)
    lists = [share for share in (split.val, split.test) if isinstance(share, str)] if split else []
    files = [_stamps(Path(name).expanduser()) for name in (getattr(corpus, "source", ""), *lists)]
    said = corpus.model_dump(mode="json", exclude={*OWN_SECTIONS})
    return digest([source.dataset, said, source.rate_hz, STAGES["sheet"].version, files])


def _stamps(path: Path) -> list[list[object]]:
    """Return name, size and time of a file, or of what lies in a directory; not of what lies deeper."""
    below = sorted(path.iterdir()) if path.is_dir() else []
    seen = [(entry, entry.stat()) for entry in (path, *below) if entry.exists()]
    return [[str(entry.resolve()), status.st_size, status.st_mtime_ns] for entry, status in seen]


def _digest(decisions: Mapping[Group, Decision]) -> str:
    return digest([[*group, decision.split, decision.detail] for group, decision in decisions.items()])


def _groups_digest(groups: Mapping[Group, Size]) -> str:
    return digest([[*group, *size] for group, size in groups.items()])


def _write_groups(path: Path, groups: Mapping[Group, Size]) -> None:
    _renew(path, "".join(json.dumps([*group, *size], ensure_ascii=False) + "\n" for group, size in groups.items()))


def _read_groups(path: Path) -> dict[Group, Size]:
    with open(path, encoding="utf-8", newline="\n") as file:
        rows = map(json.loads, file)
        return {Group(*row[:3]): Size(*row[3:]) for row in rows}
