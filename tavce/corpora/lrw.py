"""LRW as the BBC hands it out: `lipread_mp4/<WORD>/{train,val,test}/<WORD>_NNNNN.mp4`, a `.txt` beside each.

A file is a clip: 29 frames with the word in the middle. The `.txt` is not needed, but tells of a clip whose `.mp4` is
lost; files with other endings are left alone. Nobody annotated who speaks: every clip is a speaker of its own, and the
split is LRW's.
Clip    `ABOUT_train_00001`: the numbers begin anew in each of a word's three folders
Stamp   none: the corpus is finished and its half a million files are not looked at one by one
"""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tavce.config.corpora import LrwCorpus
from tavce.corpora.source import Source
from tavce.records import SPLITS, InputError, Reason, Row

log = logging.getLogger(__name__)
LICENCE = "BBC agreement, non-commercial research"
ENDINGS = (".mp4", ".txt")
WORD = re.compile(r"[A-Z]+")


def rows(source: Source[LrwCorpus]) -> Iterator[Row]:
    """Yield the rows of all clips, word by word, unusable ones with their reason.

    Raises:
        InputError: the source is no directory of words, or holds no clip.
    """
    dataset, root = source.dataset, Path(source.corpus.source).expanduser()
    if not root.is_dir():
        raise InputError(f"corpora.{dataset}.source '{root}' is no directory: name lipread_mp4 of LRW")
    names = sorted(os.listdir(root))
    words = [name for name in names if WORD.fullmatch(name) and (root / name).is_dir()]
    if others := sorted({*names} - {*words}):
        log.warning("%s: %d entries are no words, such as %s", root, len(others), others[0])
    found = False
    for word in words:
        for row in _rows_of_word(source, root / word):
            found = True
            yield row
    if not found:
        raise InputError(
            f"corpora.{dataset}.source '{root}' holds no <WORD>/train/<WORD>_NNNNN.mp4: name lipread_mp4 of LRW"
        )


def _rows_of_word(source: Source[LrwCorpus], folder: Path) -> Iterator[Row]:
    for here in [folder, *sorted(Path(entry) for entry in os.scandir(folder) if entry.is_dir())]:
        endings: dict[str, set[str]] = {}
        for name in os.listdir(here):
            stem, ending = os.path.splitext(name)
            if ending in ENDINGS and not name.startswith("."):
                endings.setdefault(stem, set()).add(ending)
        split = here.name if here != folder else ""
        for stem in sorted(endings):
            path = f"{here}/{stem}.mp4".encode(errors="backslashreplace").decode()  # a name need not be text
            yield _row(source, Found(folder.name, split, path, ".mp4" in endings[stem]))


@dataclass(frozen=True)
class Found:
    """A clip's place, and whether its .mp4 is there."""

    word: str
    folder: str
    path: str
    there: bool


def _row(source: Source[LrwCorpus], clip: Found) -> Row:
    named = clip.folder in SPLITS and re.search(rf"/{clip.word}_(\d{{5}})\.mp4$", clip.path)
    name = "/".join((clip.word, clip.folder, clip.path.rsplit("/", 1)[1]))
    clip_id = f"{clip.word}_{clip.folder}_{named[1]}" if named else f"unnamed-{sha256(name.encode()).hexdigest()[:12]}"
    reason, detail = None, ""
    if clip.folder not in SPLITS:
        reason, detail = Reason.BAD_ANNOTATION, f"{clip.path} is in none of {clip.word}/{{{','.join(SPLITS)}}}"
    elif not named:
        reason, detail = Reason.BAD_ANNOTATION, f"{clip.path} is not named {clip.word}_NNNNN"
    elif not clip.there:
        reason, detail = Reason.MISSING_FILE, f"{clip.path} is not there, though its .txt is"
    return Row(
        clip_id=clip_id,
        dataset=source.dataset,
        split=clip.folder if clip.folder in SPLITS else "train",
        speaker=clip_id,
        video_id=clip_id,
        source=clip.path,
        licence=LICENCE,
        reason=reason,
        detail=detail,
    )
