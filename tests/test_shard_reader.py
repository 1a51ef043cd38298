"""Facts about reading shards: rows are those stored, and a shard that is not the index's is refused in clear words."""

import multiprocessing
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from tavce import store
from tavce.records import InputError
from tavce.shard_reader import Place, ShardReader

ARRAYS = {
    "mel": np.random.default_rng(0).normal(size=(9, 80)).astype(np.float32),
    "bytes": np.arange(200, dtype=np.uint8),
    "none": np.zeros((0, 4), np.float32),
}


@pytest.fixture
def place(tmp_path) -> Place:
    """A shard of two clips, of which the second is meant."""
    path = str(tmp_path / "0003.h5")
    with store.create(path, store.Origin("mel", 1, "")) as writer:
        writer.put("first", {"mel": np.zeros((3, 80), np.float32)}, side_px=7)
        writer.put("second", ARRAYS, side_px=np.int64(12))
    return Place("mel", path, store.stored_digest(path), "second")


def test_rows_and_whole_arrays_are_those_stored(place):
    reader = ShardReader()
    for name, spans in {"mel": [(2, 5), (0, 9), (8, 9), (4, 4)], "bytes": [(150, 200)], "none": [(0, 0)]}.items():
        np.testing.assert_array_equal(reader.whole(place, name), ARRAYS[name])
        for (start, stop), part in zip(spans, reader.rows(place, name, spans), strict=True):
            np.testing.assert_array_equal(part, ARRAYS[name][start:stop])
            assert part.dtype == ARRAYS[name].dtype


def test_a_compressed_array_is_read_too(place):
    with h5py.File(place.path, "a") as file:
        file["second"].create_dataset("packed", data=ARRAYS["mel"], compression="gzip")
    (part,) = ShardReader().rows(place, "packed", [(3, 6)])
    np.testing.assert_array_equal(part, ARRAYS["mel"][3:6])


def test_numbers_are_those_of_the_clip(place):
    reader = ShardReader()
    assert reader.number(place, "side_px") == 12
    assert reader.number(replace(place, clip_id="first"), "side_px") == 7
    assert reader.number(place, "age") is None


def test_a_forked_process_opens_files_of_its_own(place):
    reader = ShardReader()
    reader.whole(place, "mel")
    forked = multiprocessing.get_context("fork")
    with forked.Pool(1, _inherit, (reader,)) as pool:
        np.testing.assert_array_equal(pool.apply(_read, (place,)), ARRAYS["mel"])
    np.testing.assert_array_equal(reader.whole(place, "mel"), ARRAYS["mel"])


_reader: list[ShardReader] = []


def _inherit(reader: ShardReader) -> None:
    _reader.append(reader)


def _read(place: Place) -> np.ndarray:
    value = _reader[0].whole(place, "mel")
    assert len(_reader[0]._files) == 2
    return value


def refused(place: Place, **changes: str) -> str:
    """Return the words with which reading is refused."""
    with pytest.raises(InputError) as caught:
        ShardReader().rows(replace(place, **changes), "mel", [(0, 9)])
    return str(caught.value)


def test_a_shard_that_is_not_there_is_named_with_its_clip_and_the_remedy(place):
    remedy = "clip second of the index is read from it: rerun the stage mel, then index"
    assert refused(place, path="gone.h5") == f"gone.h5 is not there, and {remedy}"


def test_a_shard_that_cannot_be_read_is_named(place):
    with open(place.path, "r+b") as file:
        file.truncate(1000)
    words = refused(place)
    assert words.startswith(f"{place.path} cannot be read (")
    assert words.endswith("and clip second of the index is read from it: rerun the stage mel, then index")


def test_a_shard_that_was_made_anew_after_the_index_is_refused_with_both_digests(place):
    assert refused(place, digest="0123456789abcdef") == (
        f"clip second: {place.path} has the digest {place.digest}, the index was made of one with 0123456789abcdef: "
        "rerun index, or the stage mel where that file is not the one meant"
    )


def test_an_open_shard_is_compared_for_every_clip(place):
    reader = ShardReader()
    reader.whole(place, "mel")
    with pytest.raises(InputError, match="the index was made of one with feed: rerun index"):
        reader.whole(replace(place, digest="feed"), "mel")


def test_a_shard_without_a_digest_is_refused(place):
    with h5py.File(place.path, "a") as file:
        del file.attrs["digest"]
    assert refused(place) == f"clip second: {place.path} has no digest: rerun the stage mel, then index"


def test_a_clip_or_an_array_that_the_shard_lacks_is_named(place):
    assert refused(place, clip_id="third") == (
        f"{place.path} has no mel of clip third: rerun the stage mel, then index"
    )
    with pytest.raises(InputError, match=r"0003\.h5 has no clip third: rerun the stage mel, then index"):
        ShardReader().number(replace(place, clip_id="third"), "side_px")
    with pytest.raises(InputError, match=r"0003\.h5 has no frames of clip second: rerun"):
        ShardReader().whole(place, "frames")


def test_a_shard_that_ends_too_early_is_refused(place):
    reader = ShardReader()
    reader.number(place, "side_px")
    shutil.copyfile(place.path, f"{place.path}.whole")
    with open(place.path, "r+b") as file:
        file.truncate(3000)
    with pytest.raises(InputError, match=r"0003\.h5 is cut off in clip second: rerun the stage mel, then index"):
        reader.rows(place, "mel", [(0, 9)])
