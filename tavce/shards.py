"""Which shard a video belongs to.

A video's clips stay together, and a new video moves no other: the shard depends on the video alone.
"""

import hashlib


def shard_of(video_id: str, shards: int) -> str:
    """Return the name of the video's shard: sha256(video_id) mod `shards`, four digits or more."""
    number = int.from_bytes(hashlib.sha256(video_id.encode()).digest(), "big") % shards
    return shard_name(number)


def shard_name(number: int) -> str:
    """Return the name under which shard `number` is stored."""
    return f"{number:04d}"


def shard_names(shards: int) -> list[str]:
    """Return the names of all shards, in order."""
    return [shard_name(number) for number in range(shards)]
