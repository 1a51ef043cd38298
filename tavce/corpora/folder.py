"""A user's own videos: a directory, or a TSV with one clip a line.

TSV columns: `path` (relative to the TSV, absolute, or a url) and `speaker` must be there; `split` (train, val, test),
`start` and `end` (seconds), `clip_id`, `video_id` and `licence` may be. Speakers without a split are divided by a
seeded hash of their name, so that new speakers move no other.
"""

import csv
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tavce.config.corpora import FolderCorpus, SpeakerSplit
from tavce.corpora.source import Source
from tavce.corpora.splits import fraction
from tavce.records import SPLITS, InputError, Reason, Row, Split

log = logging.getLogger(__name__)
VIDEO_SUFFIXES = {".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv"}
COLUMNS = {"path", "speaker", "split", "start", "end", "clip_id", "video_id", "licence"}
URL = ("http://", "https://")
CLIP_ID = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*")


def rows(source: Source[FolderCorpus]) -> Iterator[Row]:
    """Yield the rows of a folder or TSV, unusable ones with their reason.

    Raises:
        InputError: the source is not there, holds no video, or a line of the TSV cannot be read.
    """
    path = Path(source.corpus.source).expanduser()
    if path.is_dir():
        return _from_directory(source.dataset, source.corpus, path)
    if path.is_file() and path.suffix == ".tsv":
        return _from_tsv(source.dataset, source.corpus, path, source.rate_hz)
    raise InputError(
        f"corpora.{source.dataset}.source '{path}' is neither a directory nor a .tsv file: correct the path"
    )


def split_of(speaker: str, split: SpeakerSplit) -> Split:
    """Return the split of a speaker: a seeded hash of the name falls into test, val or train."""
    number = fraction(split.seed, speaker)
    if number < split.test:
        return "test"
    return "val" if number < split.test + split.val else "train"


def _from_directory(dataset: str, corpus: FolderCorpus, folder: Path) -> Iterator[Row]:
    seen = (path for path in folder.rglob("*") if not _hidden(path.relative_to(folder)))
    files = sorted(path for path in seen if path.is_file())
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise InputError(f"corpora.{dataset}.source '{folder}' holds no video: files end in {sorted(VIDEO_SUFFIXES)}")
    if others := [path for path in files if path.suffix.lower() not in VIDEO_SUFFIXES]:
        log.warning("%s: %d files are no videos by their name, such as %s", folder, len(others), others[0])
    for path in videos:
        if not _is_text(str(path)):
            raise InputError(f"corpora.{dataset}.source: the name of {str(path)!r} is not UTF-8: rename the file")
        name = path.relative_to(folder)
        by_folder = corpus.speakers == "folder" and len(name.parts) > 1
        speaker = name.parts[0] if by_folder else str(name.with_suffix(""))
        yield Row(
            clip_id=_clip_id(str(name)),
            dataset=dataset,
            split=split_of(speaker, corpus.split),
            speaker=speaker,
            video_id=str(name),
            source=str(path),
            stamp=_stamp(path),
            licence=corpus.licence,
        )


def _from_tsv(dataset: str, corpus: FolderCorpus, table: Path, rate_hz: int) -> Iterator[Row]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8: save it as UTF-8 text separated by tabs ({error})") from error
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
    found = set(lines.fieldnames or [])
    if missing := {"path", "speaker"} - found:
        raise InputError(f"{table}: column {sorted(missing)} is missing; the first line must name the columns")
    if unknown := found - COLUMNS:
        raise InputError(f"{table}: column {sorted(unknown)} is unknown; columns are {sorted(COLUMNS)}")
    empty = True
    for cells in lines:
        line = Line(table, lines.line_num, cells, rate_hz)
        if None in cells or None in cells.values():
            raise line.error(f"{len(found)} columns expected, separated by tabs")
        yield _tsv_row(dataset, corpus, replace(line, cells={key: value.strip() for key, value in cells.items()}))
        empty = False
    if empty:
        raise InputError(f"{table} lists no clip: give one a line below the names of the columns")


@dataclass(frozen=True)
class Line:
    """One line of a TSV, and where it stands."""

    table: Path
    number: int
    cells: dict[str, str]
    rate_hz: int

    def error(self, text: str) -> InputError:
        return InputError(f"{self.table}, line {self.number}: {text}")

    def frame(self, name: str) -> int | None:
        """Return the frame at a time given in seconds."""
        text = self.cells.get(name, "")
        try:
            seconds = float(text) if text else None
        except ValueError:
            raise self.error(f"{name} '{text}' is no number of seconds") from None
        if seconds is not None and not 0 <= seconds < float("inf"):
            raise self.error(f"{name} '{text}' is not in the video")
        return None if seconds is None else round(seconds * self.rate_hz)


def _tsv_row(dataset: str, corpus: FolderCorpus, line: Line) -> Row:
    cells = line.cells
    if not cells["path"] or not cells["speaker"]:
        raise line.error("path and speaker must not be empty")
    split = cells.get("split") or split_of(cells["speaker"], corpus.split)
    if split not in SPLITS:
        raise line.error(f"split '{split}' is none of train, val, test")
    clip_id = cells.get("clip_id", "")
    if clip_id and not CLIP_ID.fullmatch(clip_id):
        raise line.error(f"clip_id '{clip_id}' is no file name: use letters, digits and _ + -, and . but not first")
    start, end = line.frame("start"), line.frame("end")
    if end is not None and end <= (start or 0):
        raise line.error(f"end {cells['end']} is not after start {cells.get('start') or 0}")
    remote = cells["path"].startswith(URL)
    path = cells["path"] if remote else str(line.table.parent / Path(cells["path"]).expanduser())
    lost = not remote and not Path(path).is_file()
    return Row(
        clip_id=clip_id or _clip_id(cells["path"], start),
        dataset=dataset,
        split=split,
        speaker=cells["speaker"],
        video_id=cells.get("video_id") or cells["path"],
        source=path,
        stamp="" if lost or remote else _stamp(Path(path)),
        start_frame=start or 0,
        end_frame=None if end is None else end - 1,
        licence=cells.get("licence") or corpus.licence,
        reason=Reason.MISSING_FILE if lost else None,
        detail=f"{path}, named in {line.table}, is not there" if lost else "",  # no line number: lines may be put above
    )


def _clip_id(name: str, start: int | None = None) -> str:
    """Return an id that is safe as a file name everywhere."""
    stem = re.sub(r"\.[A-Za-z0-9]{2,4}$", "", name)
    safe = re.sub(r"[^A-Za-z0-9_.+-]+", "_", stem).strip("._") or "clip"
    return safe if start is None else f"{safe}_{start:06d}"


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)  # what Python makes of other bytes


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"
