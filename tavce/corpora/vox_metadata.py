"""VoxCeleb clips chosen by a `vox-metadata.csv`, as `crop_vox.py` of first-order-model's video-preprocessing writes it.

Columns `video_id,start,end,bbox,fps,width,height,partition,person_id`, in any order, others ignored; as the script
        itself leaves it there is no person_id, and video_id is `video#person`
Frames  `start` to `end`, the latter left out, at `fps`: the script notes where a clip begins and where the next may
Boxes   left-top-right-bottom in pixels of a picture of `width` × `height`, the same for the whole clip
Clip    `id10005-WMh3ye5tBsE-003657-003994`, as the script names files, with - for #; a line that says less: `line-` and
        a digest of it; a clip that is listed again is `…+2`, a row with its reason
Split   `official` is column partition: its test, and its train divided by `val`
Source  github.com/AliaksandrSiarohin/video-preprocessing, `store` in crop_vox.py and `run` in load_videos.py
"""

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tavce.boxes import pack_runs, pixels
from tavce.config.corpora import VoxMetadataCorpus
from tavce.corpora.source import Source
from tavce.corpora.splits import Division
from tavce.corpora.videos import YOUTUBE_ID, watch_url
from tavce.records import ClipError, InputError, Reason, Row

COLUMNS = ("video_id", "start", "end", "bbox", "fps", "width", "height", "partition", "person_id")
LICENCE = "CC BY 4.0 (annotations; the videos are their owners')"
PERSON = re.compile(r"id\d{5}")
WHOLE = re.compile(r"(\d+)(?:\.0*)?")  # pandas writes 25.0, too
BOX = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


def rows(source: Source[VoxMetadataCorpus]) -> Iterator[Row]:
    """Yield the rows of the table in its order, unusable ones with their reason.

    Raises:
        InputError: the table is not there, is no such table or lists nothing, or a list cannot be used.
    """
    division = Division(source.dataset, source.corpus.split, authors="first-order-model")
    first: dict[str, Line] = {}
    copies: Counter[str] = Counter()
    for line in _lines(source.dataset, Path(source.corpus.source).expanduser()):
        row = _row(source, division, line)
        copies[row.clip_id] += 1
        before = first.setdefault(row.clip_id, line)
        yield row if before is line else _again(row, copies[row.clip_id], line, before)
    division.finish()


@dataclass(frozen=True)
class Line:
    """One line of the table, and where it stands."""

    table: Path
    number: int
    cells: dict[str, str]
    whole: bool  # it has as many cells as there are columns

    def bad(self, words: str) -> ClipError:
        """Return the error of a line that cannot be used."""
        return ClipError(Reason.BAD_ANNOTATION, f"{self.table}, line {self.number}: {words}")

    def number_of(self, name: str) -> int:
        """Return a whole number, 0 or above."""
        found = WHOLE.fullmatch(self.cells[name])
        if not found:
            raise self.bad(f"{name} '{self.cells[name]}' is no whole number, or below 0")
        return int(found[1])

    @property
    def names(self) -> tuple[str, str]:
        """The video and the person."""
        if not self.whole:
            raise self.bad(f"{len(self.cells)} columns expected, separated by commas")
        video_id, _, person = self.cells["video_id"].partition("#")
        said = self.cells.get("person_id") or person
        if not YOUTUBE_ID.fullmatch(video_id):
            raise self.bad(f"video_id '{video_id}' is no id of YouTube's, of 11 letters")
        if not PERSON.fullmatch(said) or person not in ("", said):
            raise self.bad(f"person_id '{said}' is no identity, id and five digits, or not that of video_id")
        return video_id, said

    @property
    def clip_id(self) -> str:
        """What the clip is called; a digest where the line does not say."""
        try:
            video_id, person = self.names
            return f"{person}-{video_id}-{self.number_of('start'):06d}-{self.number_of('end'):06d}"
        except ClipError:
            return f"line-{hashlib.sha256(','.join(self.cells.values()).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Shown:
    """What a line shows: frames, the last one included, and their box."""

    start_frame: int
    end_frame: int
    boxes: str


def _lines(dataset: str, table: Path) -> Iterator[Line]:
    if not table.is_file():
        raise InputError(f"corpora.{dataset}.source '{table}' is not there: name the vox-metadata.csv")
    found = 0
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {*COLUMNS} - {name.strip() for name in reader.fieldnames or []}
            if missing - {"person_id"}:
                raise InputError(f"{table}: column {sorted(missing)} is missing; the first line must name {COLUMNS}")
            for found, cells in enumerate(reader, 1):
                texts = {name.strip(): (cells[name] or "").strip() for name in reader.fieldnames or []}
                if missing and found == 1 and "#" not in texts["video_id"]:
                    raise InputError(f"{table}: column person_id is missing, and video_id is no video#person")
                yield Line(table, reader.line_num, texts, None not in (*cells, *cells.values()))
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8: save it as UTF-8 ({error})") from error
    except csv.Error as error:
        raise InputError(f"{table}, after line {reader.line_num}: {error}: fetch it again") from error
    if not found:
        raise InputError(f"{table} lists no clip: fetch it again")


def _row(source: Source[VoxMetadataCorpus], division: Division, line: Line) -> Row:
    clip_id, trouble = line.clip_id, None
    said = line.cells.get("person_id", "")
    video_id, person, shown = clip_id, said if PERSON.fullmatch(said) else clip_id, Shown(0, None, "")
    try:
        video_id, person = line.names
        shown = _shown(line, source.rate_hz)
    except ClipError as error:
        trouble = error
    names = (clip_id, f"{person}-{video_id}", person, video_id)
    return Row(
        clip_id=clip_id,
        dataset=source.dataset,
        split=division.split_of(person, names, test=line.cells["partition"] == "test"),
        speaker=person,
        video_id=video_id,
        source=str(line.table) if video_id == clip_id else watch_url(video_id),
        start_frame=shown.start_frame,
        end_frame=shown.end_frame,
        boxes=shown.boxes,
        licence=LICENCE,
        reason=None if trouble is None else trouble.reason,
        detail="" if trouble is None else trouble.detail,
    )


def _shown(line: Line, rate_hz: int) -> Shown:
    """Return what a line shows, in frames at `rate_hz`."""
    cells = line.cells
    start, end, width, height = (line.number_of(name) for name in ("start", "end", "width", "height"))
    try:
        fps = float(cells["fps"])
    except ValueError:
        fps = math.nan
    if not 0 < fps < math.inf:
        raise line.bad(f"fps '{cells['fps']}' is no rate")
    if cells["partition"] not in ("train", "test"):
        raise line.bad(f"partition '{cells['partition']}' is neither train nor test")
    start_frame, end_frame = round(start * rate_hz / fps), round(end * rate_hz / fps) - 1
    if end_frame < start_frame:
        raise line.bad(f"end {end} is not after start {start}")
    sides = BOX.fullmatch(cells["bbox"])
    if not sides:
        raise line.bad(f"bbox '{cells['bbox']}' is not left-top-right-bottom")
    left, top, right, bottom = map(float, sides.groups())
    if not (left < right and top < bottom):
        raise line.bad(f"bbox '{cells['bbox']}' has no size")
    if not ((left + right) / 2 <= width and (top + bottom) / 2 <= height):  # as of VoxCeleb's own: its middle
        raise line.bad(f"bbox '{cells['bbox']}' is outside the picture of {width}×{height}")
    box = f"{sides[1]} {sides[2]} {right - left:g} {bottom - top:g}"
    return Shown(start_frame, end_frame, pack_runs(pixels(height), [(end_frame - start_frame + 1, box)]))


def _again(row: Row, copy: int, line: Line, first: Line) -> Row:
    """Return the row of a clip that was listed before."""
    alike = "the same" if first.cells == line.cells else "the same clip, but not all else,"
    detail = f"{line.table}, line {line.number}: {alike} stands in line {first.number}"
    return row.model_copy(update={"clip_id": f"{row.clip_id}+{copy}", "reason": Reason.DUPLICATE_ROW, "detail": detail})
