"""One of VoxCeleb's annotation files: where in a video somebody speaks, and where the face is in every frame of it.

Form    as VoxCeleb1 and 2 publish it; blanks may be fewer or more, lines may end as on Windows
            Identity  : →id10270
            Reference : →5r0dWxy17C8
            Offset    : →-2
            FV Conf   : →22.978          VoxCeleb2: `22.978→(1)`
            ASD Conf  : →7.056

            FRAME →X →Y →W →H
            000594 →154 →105 →91 →91
Units   frames at 25 a second, one line each; boxes in pixels of the picture scaled to 360 lines (VoxCeleb1), or in
        fractions of its width and height (VoxCeleb2)
Left    a file that was cut between two lines cannot be told from a shorter one: nothing in it counts the lines
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import NamedTuple

import numpy as np

from tavce.boxes import FRACTION, pack_runs, pixels
from tavce.corpora.annotation_files import AnnotationFile, contents
from tavce.corpora.zips import DamagedError
from tavce.records import ClipError, Reason

COLUMNS = ["FRAME", "X", "Y", "W", "H"]
DIGITS = 6  # of a frame's number
COUNTED = 150_000  # frames, an hour and a half; what comes later is read line by line
LINES = 360  # that VoxCeleb1's pictures were scaled to
WIDEST = 4  # pictures, width by height; VoxCeleb1's files do not name the width
LARGEST_FRACTION = 2.0  # of a face's side by the picture's; every face has more pixels than that
NAME = re.compile(r"(id\d{5})/([A-Za-z0-9_-]{11})/(\d{5})\.txt")
PLAIN = re.compile(r"[0-9. -]*")  # neither nan nor 1e9
NUMBER = r"-?(?:\d+\.?\d*|\.\d+)"
BOX = re.compile(rf"{NUMBER}(?: {NUMBER}){{3}}")
WHOLE_NUMBER = re.compile(r"[+-]?\d+")


Runs = list[tuple[int, str]]  # for how many frames a box stays, and its x, y, width and height


@dataclass(frozen=True)
class Form:
    """What differs between the two corpora: the unit of boxes, and the picture's width and height in it."""

    unit: str
    width: float
    height: float


FORMS = {"voxceleb1": Form(pixels(LINES), LINES * WIDEST, LINES), "voxceleb2": Form(FRACTION, 1, 1)}


class Utterance(NamedTuple):
    """What a file says, or why it cannot be used."""

    start_frame: int = 0
    end_frame: int | None = None
    audio_offset_frames: int = 0
    boxes: str = ""
    trouble: str = ""


def read_utterances(reader: str, files: Iterable[AnnotationFile]) -> list[Utterance]:
    """Return what every file says."""
    return [_utterance(reader, file, data) for file, data in contents(files)]


def _utterance(reader: str, file: AnnotationFile, data: bytes | DamagedError) -> Utterance:
    try:
        if isinstance(data, DamagedError):
            raise bad(f"the zip is damaged there ({data}): fetch it again")
        return parse(reader, file.name, data)
    except ClipError as error:
        return Utterance(trouble=f"{file.where}: {error.detail}")


def parse(reader: str, name: str, data: bytes) -> Utterance:
    """Return what an annotation file says.

    Args:
        reader: `voxceleb1` or `voxceleb2`.
        name: idNNNNN/<YouTube id>/NNNNN.txt.
        data: its bytes.

    Raises:
        ClipError: `bad_annotation`, with the line and what is wrong with it.
    """
    named = NAME.fullmatch(name)
    if not named:
        raise bad("it is not named idNNNNN/<YouTube id, 11 letters>/NNNNN.txt")
    try:
        text = data.removeprefix(BOM_UTF8).decode("ascii").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise bad(f"it is not text: {error}") from None
    if not text.strip():
        raise bad("it is empty")
    head, column_line, table = text.partition("\nFRAME")
    offset = _header(head, named[1], named[2])
    if not column_line:
        raise bad("no line begins with FRAME: it was cut, or is no annotation")
    columns, _, table = table.partition("\n")
    if missing := [column for column in COLUMNS[1:] if column not in columns.split()]:
        raise bad(f"line {_line(head) + 1}: column {', '.join(missing)} is missing")
    if columns.split() != COLUMNS[1:]:
        raise bad(f"line {_line(head) + 1}: columns are not {' '.join(COLUMNS)}, in this order")
    start_frame, runs = _table(table, _line(head) + 2)
    _check_boxes(FORMS[reader], runs, _line(head) + 2)
    frames = sum(length for length, _ in runs)
    return Utterance(start_frame, start_frame + frames - 1, offset, pack_runs(FORMS[reader].unit, runs))


def bad(detail: str) -> ClipError:
    """Return the error of a file that cannot be used."""
    return ClipError(Reason.BAD_ANNOTATION, detail)


def _line(head: str) -> int:
    """Return the number of the last line of the header."""
    return head.count("\n") + 1


def _header(head: str, identity: str, reference: str) -> int:
    """Return the offset, where the header is that of the file's place."""
    said = {}
    for line in head.split("\n"):
        name, _, value = line.partition(":")
        said[name.strip()] = value.strip()
    for name, wanted in (("Identity", identity), ("Reference", reference)):
        if name not in said:
            raise bad(f"line '{name}' is missing")
        if said[name] != wanted:
            raise bad(f"{name} '{said[name]}' is not {wanted}, in whose folder it is")
    if not WHOLE_NUMBER.fullmatch(said.get("Offset", "")):
        raise bad(f"Offset '{said['Offset']}' is no whole number" if "Offset" in said else "line 'Offset' is missing")
    return int(said["Offset"])


def _table(table: str, first_line: int) -> tuple[int, Runs]:
    """Return the first of the frames, which follow one another, and their boxes."""
    if not table.strip():
        raise bad("no frame is listed: it was cut")
    return _as_published(table) or _line_by_line(table, first_line)


def _as_published(table: str) -> tuple[int, Runs] | None:
    """Return the same of lines that are exactly as the authors wrote them, None of others.

    There is a million files of such lines: they are not looked at one by one.
    """
    lines = table.split("\n")
    if lines.pop() or not lines[0][:DIGITS].isdecimal():
        return None
    first = int(lines[0][:DIGITS])
    numbers = "".join([line[:DIGITS] for line in lines])
    if numbers != _counting()[first * DIGITS : (first + len(lines)) * DIGITS]:
        return None
    same = groupby([line[DIGITS:] for line in lines])
    runs = [(len([*run]), rest.replace(" \t", " ")) for rest, run in same]
    if not all(box.count(" ") == len(COLUMNS) and box[0] == box[-1] == " " for _, box in runs):
        return None
    boxes = "\n".join([box for _, box in runs])
    if "\t" in boxes or "  " in boxes:
        return None
    return first, [(frames, box[1:-1]) for frames, box in runs]


@cache
def _counting() -> str:
    """Return the numbers of a long video's frames as the authors write them, one after the other."""
    return "".join(f"{number:0{DIGITS}d}" for number in range(COUNTED))


def _line_by_line(table: str, first_line: int) -> tuple[int, Runs]:
    """Return the same of lines with any blanks, or say which line is not as it should be."""
    lines = [(number, line.split()) for number, line in enumerate(table.split("\n"), first_line) if line.strip()]
    before = None
    for number, words in lines:
        if len(words) != len(COLUMNS):
            cut = ": it was cut" if number == lines[-1][0] else ""
            raise bad(f"line {number}: {len(words)} columns, not {len(COLUMNS)}{cut}")
        if not words[0].isdecimal():
            raise bad(f"line {number}: frame '{words[0]}' is no number")
        if before is not None and int(words[0]) != before + 1:
            raise bad(f"line {number}: frame {int(words[0])} follows {before}: frames must count up by one")
        before = int(words[0])
    if not _ends(table):
        raise bad(f"line {lines[-1][0]}: it was cut within this line")
    boxes = (" ".join(words[1:]) for _, words in lines)
    return before - len(lines) + 1, [(len([*run]), box) for box, run in groupby(boxes)]


def _ends(table: str) -> bool:
    """Return whether the last line is whole: it has its end, or the blank that the lines before it end with."""
    before, _, last = table.rpartition("\n")
    return not last or last[-1].isspace() or not before[-1:].isspace()


def _check_boxes(form: Form, runs: Runs, first_line: int) -> None:
    """Refuse boxes that are none, and those outside the picture.

    A face that leaves the picture is followed over its edge: the middle of a box must be in the picture, not all of it.
    """

    def refuse(at: int, words: str) -> None:
        line = first_line + sum(frames for frames, _ in runs[:at])
        raise bad(f"line {line}: box '{runs[at][1]}' {words}")

    numbers = _numbers(" ".join(box for _, box in runs))
    if numbers is None:
        refuse(next(at for at, (_, box) in enumerate(runs) if not BOX.fullmatch(box)), "is not four numbers")
    x, y, width, height = numbers.reshape(-1, 4).T
    fractions = (width <= LARGEST_FRACTION) & (height <= LARGEST_FRACTION)
    across, down = x + width / 2, y + height / 2
    other = "in pixels: set reader: voxceleb1" if form.unit == FRACTION else "in fractions: set reader: voxceleb2"
    for wrong, words in (
        ((width <= 0) | (height <= 0), "has no size"),
        (fractions != (form.unit == FRACTION), f"is {other}"),
        ((across < 0) | (across > form.width) | (down < 0) | (down > form.height), "is outside the picture"),
    ):
        if wrong.any():
            refuse(int(wrong.argmax()), words)


def _numbers(text: str) -> np.ndarray | None:
    """Return the numbers in a text; None where a word is none."""
    try:
        return np.array([*map(float, text.split())]) if PLAIN.fullmatch(text) else None
    except ValueError:
        return None
