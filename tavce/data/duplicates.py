"""Find the clips of a dataset that are the same: encoded anew, scaled, made louder, put up twice under two names.

Two clips are duplicates where both their sound and their pictures are nearly the same by hash (`tavce.data.hashes`).
Either alone is not enough: a speaker of one recording looks the same in every clip, and one sound may accompany
several pictures.
Shapes: n clips, P pictures of a clip.
"""

import itertools
from array import array
from collections.abc import Iterator

import numpy as np

from tavce.data.hashes import BITS
from tavce.records import SPLITS, Numbers

BLOCKS = 5  # of a hash; two that differ in at most 3 bits agree in 2 of them, which leaves few pairs to look at
PICTURES = 3
PICTURE_BITS = 8  # in which the hashes of the pictures differ at most, in the mean over them


class Duplicates:
    """The hashes of clips, about 130 bytes each with their ids; which of them are duplicates."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._split = array("B")
        self._sounds, self._pictures = array("Q"), array("Q")

    def add(self, clip_id: str, split: str, numbers: Numbers) -> None:
        """Take a clip with the numbers of `quality`; a clip without a hash is no duplicate of any."""
        sound, pictures = numbers["sound_hash"], numbers["picture_hash"]
        if sound is None or pictures is None:
            return
        self._ids.append(clip_id)
        self._split.append(SPLITS.index(split))
        self._sounds.append(int(sound, 16))
        digits = BITS // 4
        self._pictures.extend(int(pictures[at : at + digits], 16) for at in range(0, PICTURES * digits, digits))

    def lost(self, max_bits: int) -> dict[str, str]:
        """Return the clips that are a duplicate of one that stays, each with the id of that one.

        Of two, the one that is held out more stays, else the one that was taken first.

        Args:
            max_bits: in which the hashes of the sounds differ at most; 0 to 3.
        """
        sounds = np.frombuffer(self._sounds, np.uint64)
        pictures = np.frombuffer(self._pictures, np.uint64).reshape(-1, PICTURES)
        held_out = np.frombuffer(self._split, np.uint8)
        place = np.empty(len(sounds), np.int64)
        place[np.argsort(-held_out.astype(np.int64), kind="stable")] = np.arange(len(sounds))
        found = set()
        for one, other in near_pairs(sounds, max_bits):
            apart = np.bitwise_count(pictures[one] ^ pictures[other]).sum(axis=1)
            same = apart <= PICTURE_BITS * PICTURES
            one, other = one[same], other[same]
            pair = np.stack([one, other], axis=1)
            found.update(map(tuple, np.take_along_axis(pair, place[pair].argsort(axis=1), axis=1).tolist()))
        stays: dict[int, int] = {}
        for first, later in sorted(found, key=lambda pair: (place[pair[0]], place[pair[1]])):
            if first not in stays:
                stays.setdefault(later, first)
        return {self._ids[later]: self._ids[first] for later, first in stays.items()}


def near_pairs(hashes: np.ndarray, max_bits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield all pairs of places whose hashes uint64 [n] differ in at most `max_bits`, some of them more than once.

    Sorts by every two of the blocks, then compares neighbours, next ones but one, and so on, while they agree there:
    memory grows with n, not with the pairs looked at.

    Raises:
        ValueError: more bits than the blocks can tell.
    """
    if max_bits > BLOCKS - 2:
        raise ValueError(f"{max_bits} bits: {BLOCKS} blocks find pairs within {BLOCKS - 2}")
    edges = np.linspace(0, BITS, BLOCKS + 1).astype(int)
    masks = [np.uint64((1 << int(high)) - (1 << int(low))) for low, high in itertools.pairwise(edges)]
    for one, other in itertools.combinations(masks, 2):
        keys = hashes & (one | other)
        order = np.argsort(keys)
        keys, values = keys[order], hashes[order]
        at, step = np.arange(len(keys)), 0
        while len(at):
            step += 1
            at = at[at + step < len(keys)]
            at = at[keys[at] == keys[at + step]]
            near = at[np.bitwise_count(values[at] ^ values[at + step]) <= max_bits]
            if len(near):
                yield order[near], order[near + step]
