"""HDTF's fifteen text files: what each says of a video or a clip, line by line, and where that stands.

Files   `{RD,WDA,WRA}_{video_url,annotion_time,crop_wh,crop_ratio,resolution}.txt`, words with blanks between
            WDA_video_url.txt      AmyKlobuchar1 https://www.youtube.com/watch?v=…
            WDA_annotion_time.txt  AmyKlobuchar1.mp4 00:35-02:45 03:25-04:00      (clips 0 and 1)
            WDA_crop_wh.txt        AmyKlobuchar1_0.mp4 487 1005 0 1005            (left, width, top, height, px)
            WDA_crop_ratio.txt     AmyKlobuchar1_0.mp4 1.0                        (not needed)
            WDA_resolution.txt     AmyKlobuchar1.mp4 1080                         (lines of the picture)
As published, one begins with a byte order mark, three have no end of line at the end, and some lines end with a space.
Source  github.com/MRzzm/HDTF
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tavce.records import ClipError, InputError, Reason

SUBSETS = ("RD", "WDA", "WRA")
OF_VIDEOS = ("video_url", "annotion_time", "resolution")
OF_CLIPS = ("crop_wh", "crop_ratio")
REMEDY = "fetch HDTF_dataset of github.com/MRzzm/HDTF again"
CLIP = re.compile(r"(.+)_(\d+)")
NUMBER = re.compile(r"_0*(\d+)$")  # 000 is clip 0, too


@dataclass(frozen=True)
class Line:
    """One line of a file, without the name it begins with."""

    path: Path
    number: int
    words: tuple[str, ...]

    @property
    def where(self) -> str:
        """What a message calls the line."""
        return f"{self.path}, line {self.number}"

    def bad(self, words: str) -> ClipError:
        """Return the error of a line that cannot be used."""
        return ClipError(Reason.BAD_ANNOTATION, f"{self.where}: {words}")


@dataclass(frozen=True)
class Subset:
    """The five files of a subset: file → name of a video, or of a clip → its lines, of which there should be one."""

    name: str
    folder: Path
    lines: dict[str, dict[str, list[Line]]]

    def path(self, file: str) -> Path:
        """Return where one of the files is."""
        return self.folder / f"{self.name}_{file}.txt"

    def first(self, file: str, name: str) -> Line | None:
        """Return what a file says of a name."""
        return self.lines[file].get(name, [None])[0]

    def videos(self) -> dict[str, set[int]]:
        """Return all videos that any file names, in order, and the numbers of their clips."""
        found: dict[str, set[int]] = {name: set() for file in OF_VIDEOS for name in self.lines[file]}
        for file in OF_CLIPS:
            for name in self.lines[file]:
                video, number = clip_name(name)
                found.setdefault(video, set()).update([] if number is None else [number])
        for name, clips in found.items():
            times = self.first("annotion_time", name)
            clips.update(range(len(times.words)) if times else [])
        return found


def read_subsets(dataset: str, folder: Path) -> list[Subset]:
    """Return the three subsets.

    Raises:
        InputError: a file is not there, is empty, or is no text.
    """
    if not folder.is_dir():
        raise InputError(f"corpora.{dataset}.source '{folder}' is no directory: name the one of HDTF's text files")
    return [
        Subset(name, folder, {file: _read(folder / f"{name}_{file}.txt") for file in (*OF_VIDEOS, *OF_CLIPS)})
        for name in SUBSETS
    ]


def clip_name(name: str) -> tuple[str, int | None]:
    """Return the video and the number in the name of a clip; no number where it is none."""
    found = CLIP.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


def _read(path: Path) -> dict[str, list[Line]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path} is not there: {REMEDY}, all fifteen files") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}: {REMEDY}") from error
    found: dict[str, list[Line]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, *words = line.split()
            name = NUMBER.sub(r"_\1", name.removesuffix(".mp4"))
            found.setdefault(name, []).append(Line(path, number, tuple(words)))
    if not found:
        raise InputError(f"{path} is empty: {REMEDY}")
    return found
