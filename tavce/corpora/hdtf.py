"""HDTF: a row for every clip that any of its fifteen text files names, those that lack something with their reason.

Clip    `RD_Radio11_0`: the authors' name, with the subset before; lists may say `Radio11_0` or `RD_Radio11_000`, too,
        or name a video, `Radio11`, or a speaker, which wins where both are called the same; a line that names a clip
        or video again is `…+2`
Time    mm:ss or h:mm:ss; a clip begins with the first and ends before the second
Box     one for the whole clip, in pixels of as many lines as `resolution` says; where it does not fit into them, of the
        next usual height that it fits into (the row's detail says so)
Speaker the name without the digits at its end. Of RD, `Radio`, nobody is named: it is one speaker, because the same
        person may be in several of its videos, and must not be both learned from and tested with. For the same reason
        shares of a split put speakers together whose names share a video (WhipJimClyburn is JamesClyburn)
Split   no official one: shares of the speakers, or lists
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path

from tavce.boxes import pack_runs, pixels
from tavce.config.corpora import HdtfCorpus
from tavce.corpora.hdtf_files import OF_CLIPS, Line, Subset, clip_name, read_subsets
from tavce.corpora.source import Source
from tavce.corpora.splits import Division
from tavce.corpora.videos import watch_url, youtube_id
from tavce.records import ClipError, Reason, Row

LICENCE = "CC BY 4.0 (annotations; the videos are their owners')"
LINES = (360, 480, 720, 1080, 1440, 2160)  # of usual pictures
NAME = re.compile(r"[A-Za-z0-9-]+")
TIMES = re.compile(r"(?:(\d+):)?(\d+):([0-5]\d)-(?:(\d+):)?(\d+):([0-5]\d)")


@dataclass(frozen=True)
class Clip:
    """A clip, or a video of which no clip is told, by the names that the files give it."""

    subset: Subset
    video: str
    number: int | None = None  # None = the video

    @property
    def name(self) -> str:
        """What its authors call it."""
        return self.video if self.number is None else f"{self.video}_{self.number}"

    @property
    def clip_id(self) -> str:
        """What the row calls it; a digest where the name is no file name."""
        name = f"{self.subset.name}_{self.name}"
        safe = NAME.fullmatch(self.video)
        return name if safe else f"{self.subset.name}_unnamed-{sha256(name.encode()).hexdigest()[:12]}"

    @property
    def speaker(self) -> str:
        """Who speaks, as far as the name tells."""
        return self.video.rstrip("0123456789") or self.video

    @property
    def listed_as(self) -> list[str]:
        """What a list may call it."""
        wide = self.name if self.number is None else f"{self.video}_{self.number:03d}"
        plain = [self.name, wide, self.video]
        return [*plain, *(f"{self.subset.name}_{name}" for name in plain), self.speaker]

    @property
    def video_url(self) -> str | None:
        """The address of its video, that of YouTube's page without what else the line's address says; None: no line.

        Raises:
            ClipError: `bad_annotation`.
        """
        line = self.subset.first("video_url", self.video)
        if line is None:
            return None
        address = " ".join(line.words)
        if found := youtube_id(address):
            return watch_url(found)
        if len(line.words) != 1 or not address.startswith(("http://", "https://")):
            raise line.bad(f"'{address}' is no address")
        return address


@dataclass(frozen=True)
class Shown:
    """What the files say that a clip shows."""

    start_frame: int = 0
    end_frame: int | None = None
    boxes: str = ""
    note: str = ""


def rows(source: Source[HdtfCorpus]) -> Iterator[Row]:
    """Yield the rows of all clips, subset by subset.

    Raises:
        InputError: one of the fifteen files is not there or no text, or a list cannot be used.
    """
    division = Division(source.dataset, source.corpus.split)
    subsets = read_subsets(source.dataset, Path(source.corpus.source).expanduser())
    clips = [
        Clip(subset, video, number)
        for subset in subsets
        for video, numbers in subset.videos().items()
        for number in sorted(numbers) or [None]
    ]
    together = _together(clips)
    copies: Counter[str] = Counter()
    for clip, trouble in chain(((clip, None) for clip in clips), _other_lines(subsets)):
        copies[clip.clip_id] += 1
        again = "" if copies[clip.clip_id] == 1 else f"+{copies[clip.clip_id]}"
        split = division.split_of(together.get(clip.speaker, clip.speaker), clip.listed_as)
        yield _row(source, clip, trouble).model_copy(update={"split": split, "clip_id": clip.clip_id + again})
    division.finish()


def _row(source: Source[HdtfCorpus], clip: Clip, trouble: ClipError | None) -> Row:
    """Return a clip's row, its split aside; `trouble` where there is some already."""
    url, shown = None, Shown()
    try:
        url = clip.video_url
        shown = _shown(clip, source.rate_hz) if trouble is None else shown
    except ClipError as error:
        trouble = trouble or error
    return Row(
        clip_id=clip.clip_id,
        dataset=source.dataset,
        split="train",
        speaker=clip.speaker,
        video_id=(youtube_id(url) or url) if url else f"{clip.subset.name}_{clip.video}",
        source=url or str(clip.subset.path("video_url")),
        start_frame=shown.start_frame,
        end_frame=shown.end_frame,
        boxes=shown.boxes,
        licence=LICENCE,
        reason=None if trouble is None else trouble.reason,
        detail=shown.note if trouble is None else trouble.detail,
    )


def _shown(clip: Clip, rate_hz: int) -> Shown:
    """Return what the files say that a clip shows.

    Raises:
        ClipError: `missing_annotation`, with all that is missing, or `bad_annotation`.
    """
    subset, number = clip.subset, clip.number
    times, crop = subset.first("annotion_time", clip.video), subset.first("crop_wh", clip.name)
    timed = times is not None and number is not None and number < len(times.words)
    there = {"video_url": subset.first("video_url", clip.video), "annotion_time": timed or None, "crop_wh": crop}
    if missing := [subset.path(file).name for file, said in there.items() if said is None]:
        raise ClipError(Reason.MISSING_ANNOTATION, f"{clip.name} is not in {', '.join(missing)} in {subset.folder}")
    start_s, end_s = _times_s(times, times.words[number])
    if len(crop.words) != 4 or not all(word.isdecimal() for word in crop.words):
        raise crop.bad(f"crop '{' '.join(crop.words)}' is not left, width, top and height")
    x, width, y, height = map(int, crop.words)
    if not (width and height):
        raise crop.bad(f"crop '{' '.join(crop.words)}' has no size")
    lines, note = _lines(crop, y + height, subset.first("resolution", clip.video))
    frames = (end_s - start_s) * rate_hz
    boxes = pack_runs(pixels(lines), [(frames, f"{x} {y} {width} {height}")])
    return Shown(start_s * rate_hz, end_s * rate_hz - 1, boxes, note)


def _times_s(line: Line, interval: str) -> tuple[int, int]:
    """Return the seconds where a clip begins and ends."""
    found = TIMES.fullmatch(interval)
    if not found:
        raise line.bad(f"'{interval}' is no time, mm:ss-mm:ss")
    hours, minutes, seconds, *end = (int(text or 0) for text in found.groups())
    start_s, end_s = (3600 * h + 60 * m + s for h, m, s in ((hours, minutes, seconds), end))
    if end_s <= start_s:
        raise line.bad(f"'{interval}' ends before it begins")
    return start_s, end_s


def _lines(crop: Line, bottom: int, resolution: Line | None) -> tuple[int, str]:
    """Return the lines of the picture that a box is in, and what had to be assumed."""
    said = " ".join(resolution.words) if resolution else "none"
    if said.isdecimal() and bottom <= int(said):
        return int(said), ""
    fitting = next((lines for lines in LINES if bottom <= lines), None)
    if fitting is None:
        raise crop.bad(f"the box ends at line {bottom}: pictures have at most {LINES[-1]}")
    return fitting, f"the box ends at line {bottom}, the resolution given is {said}: taken to be {fitting} lines"


def _other_lines(subsets: list[Subset]) -> Iterator[tuple[Clip, ClipError]]:
    """Yield the lines that say what another said, and those of clips that give the clip no number."""
    for subset in subsets:
        for file, named in subset.lines.items():
            for name, lines in named.items():
                video, number = clip_name(name) if file in OF_CLIPS else (name, None)
                clip = Clip(subset, video, number)
                if file in OF_CLIPS and number is None:
                    yield clip, lines[0].bad(f"'{name}' is no clip: a number is missing, as in {name}_0")
                for line in lines[1:]:
                    detail = f"{line.where}: '{name}' stands in line {lines[0].number}, too, which is used"
                    yield clip, ClipError(Reason.DUPLICATE_ROW, detail)


def _together(clips: list[Clip]) -> dict[str, str]:
    """Return, for speakers whose names share a video, the one name that decides where all of them go."""
    of_video: dict[str, set[str]] = {}
    for clip in clips:
        try:
            of_video.setdefault(clip.video_url or clip.video, set()).add(clip.speaker)
        except ClipError:
            continue  # the clip's row says so
    groups: dict[str, set[str]] = {}
    for speakers in of_video.values():
        if len(speakers) > 1:
            group = set().union(speakers, *(groups.get(speaker, ()) for speaker in speakers))
            groups.update(dict.fromkeys(group, group))
    return {speaker: min(group) for speaker, group in groups.items()}
