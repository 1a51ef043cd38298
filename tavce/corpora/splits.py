"""How a published corpus is divided: as its authors did, by published lists, or by a seeded share of its speakers.

A list names clips, videos or speakers, one a line; blank lines and lines that begin with # are ignored. Names may end
in .mp4 or the like, and have `/` or `#` between their parts, as other projects write them. What the test list names is
test; of the rest, what the validation list names is val. Whether other clips of the same speaker go elsewhere is not
judged here: the sheet's check for leaks sees all corpora.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from tavce.config.corpora import CorpusSplit
from tavce.records import InputError, Split

OFFICIAL = "official"
ENDING = re.compile(r"\.(?:avi|m4a|mp3|mp4|png|txt|wav)$", re.IGNORECASE)
SHOWN = 5  # names in an error


class Division:
    """The split of every clip of a corpus."""

    def __init__(self, dataset: str, split: CorpusSplit, authors: str = ""):
        """Read the lists.

        Args:
            dataset: the corpus' name in the settings.
            split: the corpus' setting.
            authors: whose split `official` is; "" where the authors published none.

        Raises:
            InputError: a list cannot be read or is empty, two lists share a name, or there is no official split.
        """
        self._setting = f"corpora.{dataset}.split"
        self._split = split
        if split.test == OFFICIAL and not authors:
            raise InputError(f"{self._setting}.test: nobody published an official split: give a share, or a list")
        self._test = self._names("test", 0.0 if split.test == OFFICIAL else split.test)
        self._val = self._names("val", split.val)
        if both := self._test.keys() & self._val.keys():
            raise InputError(f"{self._setting}: in the list of test and in that of val: {_few(both)}")
        self._unseen = {*self._test, *self._val}
        self._of_speaker: dict[tuple[str, bool], Split] = {}

    def split_of(self, speaker: str, names: Iterable[str], test: bool = False) -> Split:
        """Return the split of a clip.

        Args:
            speaker: decides where shares do.
            names: what a list may call the clip, its video, its speaker.
            test: whether its authors test with it.
        """
        if self._test or self._val:
            names = set(names)
            self._unseen -= names
            if not names.isdisjoint(self._test):
                return "test"
            if not names.isdisjoint(self._val):
                return "val"
        key = (speaker, test)
        if key not in self._of_speaker:
            self._of_speaker[key] = self._by_share(speaker, test)
        return self._of_speaker[key]

    def finish(self) -> None:
        """Check, after the last clip, that every name in a list was some clip's.

        Raises:
            InputError: one was not.
        """
        for name, listed in (("test", self._test), ("val", self._val)):
            if unseen := [listed[entry] for entry in listed if entry in self._unseen]:
                raise InputError(
                    f"{self._setting}.{name}: {len(unseen)} of {len(listed)} names in {getattr(self._split, name)} are "
                    f"no clip, video or speaker of this corpus: {_few(unseen)}"
                )

    def _by_share(self, speaker: str, test: bool) -> Split:
        share = self._split.test
        if test if share == OFFICIAL else isinstance(share, float) and fraction(self._split.seed, speaker) < share:
            return "test"
        share = self._split.val
        return "val" if isinstance(share, float) and fraction(self._split.seed, f"val:{speaker}") < share else "train"

    def _names(self, name: str, listed: float | str) -> dict[str, str]:
        """Return the names in a list, in the form of clip ids, and as they stand there."""
        if not isinstance(listed, str):
            return {}
        try:
            lines = Path(listed).expanduser().read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            words = "`official`, a share" if name == "test" else "a share"
            raise InputError(
                f"{self._setting}.{name} '{listed}' is neither {words}, nor a list that can be read: {error}"
            ) from error
        entries = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not entries:
            raise InputError(f"{self._setting}.{name}: {listed} names nothing: write clips or speakers, one a line")
        return {re.sub(r"[/#]", "-", ENDING.sub("", entry)): entry for entry in entries}


def fraction(seed: int, name: str) -> float:
    """Return a number from 0 to 1 that a seed gives a name, whatever other names there are."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") / 2**64


def _few(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
