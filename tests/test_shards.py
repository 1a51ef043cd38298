"""Facts about the shard of a video."""

from collections import Counter

from tavce.shards import shard_names, shard_of


def test_a_video_is_in_the_shard_that_its_digest_says():
    assert shard_of("abc", 1000) == "0965"  # sha256("abc") = ba7816bf… mod 1000
    assert shard_of("abc", 1) == "0000"


def test_shards_are_named_in_order_and_hold_every_video_once():
    names = shard_names(12)
    assert names[0] == "0000"
    assert names[-1] == "0011"
    held = Counter(shard_of(f"video {number}", 12) for number in range(1200))
    assert set(held) == set(names)
    assert max(held.values()) < 2 * min(held.values())


def test_names_grow_beyond_four_digits():
    assert shard_names(10_002)[-1] == "10001"
