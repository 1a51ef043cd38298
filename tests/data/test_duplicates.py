"""Facts about duplicates: which pairs are found, and which clip of a pair stays."""

import numpy as np
import pytest

from tavce.data.duplicates import Duplicates, near_pairs


def numbers(sound: int, picture: int = 0) -> dict[str, str]:
    return {"sound_hash": f"{sound:016x}", "picture_hash": f"{picture:016x}" * 3}


def lost(*clips: tuple[str, str, dict], max_bits: int = 3) -> dict[str, str]:
    duplicates = Duplicates()
    for clip in clips:
        duplicates.add(*clip)
    return duplicates.lost(max_bits)


@pytest.mark.parametrize("max_bits", [0, 1, 3])
def test_all_pairs_within_the_bits_are_found_and_no_others(max_bits):
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 2**64, 40, dtype=np.uint64)
    flips = [sum(1 << int(bit) for bit in draw.choice(64, draw.integers(0, 6), replace=False)) for _ in range(400)]
    hashes = draw.choice(hashes, 400) ^ np.array(flips, np.uint64)
    found = {tuple(sorted(pair)) for pairs in near_pairs(hashes, max_bits) for pair in zip(*pairs, strict=True)}
    apart = np.bitwise_count(hashes[:, None] ^ hashes)
    assert found == {*zip(*np.nonzero(np.triu(apart <= max_bits, 1)), strict=True)}


def test_more_bits_than_the_blocks_can_tell_are_refused():
    with pytest.raises(ValueError, match="4 bits: 5 blocks find pairs within 3"):
        next(near_pairs(np.zeros(2, np.uint64), 4))


def test_of_three_the_first_stays():
    found = lost(("a", "train", numbers(7)), ("b", "train", numbers(7)), ("c", "train", numbers(6)))
    assert found == {"b": "a", "c": "a"}


def test_a_clip_that_is_held_out_stays_test_before_val():
    found = lost(("a", "train", numbers(7)), ("b", "val", numbers(7)), ("c", "test", numbers(7)))
    assert found == {"a": "c", "b": "c"}


def test_a_clip_is_not_lost_to_one_that_is_lost_itself():
    """b is near a and c is near b, but c is not near a."""
    found = lost(("a", "train", numbers(0)), ("b", "train", numbers(0b111)), ("c", "train", numbers(0b111111)))
    assert found == {"b": "a"}


def test_sound_or_pictures_alone_make_no_duplicate():
    other = 2**64 - 1
    assert (
        lost(("a", "train", numbers(7, 1)), ("b", "train", numbers(7, other)), ("c", "train", numbers(other, 1))) == {}
    )


def test_pictures_may_differ_in_eight_bits_in_the_mean():
    eight, nine = 0xFF, 0x1FF
    assert lost(("a", "train", numbers(7)), ("b", "train", numbers(7, eight))) == {"b": "a"}
    assert lost(("a", "train", numbers(7)), ("b", "train", numbers(7, nine))) == {}


def test_clips_without_a_hash_are_no_duplicates():
    nothing = {"sound_hash": None, "picture_hash": "0" * 48}
    assert lost(("a", "train", nothing), ("b", "train", nothing)) == {}
