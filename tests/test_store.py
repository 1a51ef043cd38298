"""Facts about shard files: what is put in comes out, whole or not at all."""

import h5py
import numpy as np
import pytest

from tavce import store
from tavce.records import ClipError, InputError, Reason

ORIGIN = store.Origin("mel", 3, "0123456789abcdef")


def test_arrays_and_attributes_come_back(tmp_path):
    mel = np.random.default_rng(0).normal(size=(9, 80)).astype(np.float32)
    with store.create(tmp_path / "0000.h5", ORIGIN) as writer:
        writer.put("a", {"mel": mel}, source_sha256="ff", frames=3)
    with store.open_shard(tmp_path / "0000.h5") as file:
        np.testing.assert_array_equal(file["a"]["mel"][:], mel)
        assert file["a"]["mel"].dtype == np.float32
        assert dict(file["a"].attrs) == {"source_sha256": "ff", "frames": 3}
        said = {name: value for name, value in file.attrs.items() if name != "digest"}
    assert said == {"format": store.FORMAT, "stage": "mel", "version": 3, "settings": ORIGIN.settings}


def digest_of(folder, clips, origin=ORIGIN) -> str:
    """Return the digest of a shard of clips: id, arrays and attributes."""
    with store.create(folder / "0000.h5", origin) as writer:
        for clip_id, arrays, attributes in clips:
            writer.put(clip_id, arrays, **attributes)
    return store.stored_digest(folder / "0000.h5")


ARRAY = np.arange(12, dtype=np.int32)
CLIPS = (("a", {"x": ARRAY}, {"side": 2}), ("b", {"x": ARRAY, "y": ARRAY[:0]}, {}))


def test_the_same_clips_have_the_same_digest_whoever_wrote_them(tmp_path):
    found = digest_of(tmp_path, CLIPS)
    assert digest_of(tmp_path, CLIPS, store.Origin("crop", 9, "other")) == found
    assert len(found) == 16


@pytest.mark.parametrize(
    "changed",
    [
        CLIPS[:1],
        CLIPS[::-1],
        (("c", *CLIPS[0][1:]), CLIPS[1]),
        (("a", {"z": ARRAY}, {"side": 2}), CLIPS[1]),
        (("a", {"x": ARRAY + 1}, {"side": 2}), CLIPS[1]),
        (("a", {"x": ARRAY.astype(np.uint32)}, {"side": 2}), CLIPS[1]),
        (("a", {"x": ARRAY.reshape(3, 4)}, {"side": 2}), CLIPS[1]),
        (("a", {"x": ARRAY}, {"side": 3}), CLIPS[1]),
    ],
    ids=["clips", "order", "id", "name", "value", "type", "shape", "attribute"],
)
def test_another_digest_says_that_clips_changed(tmp_path, changed):
    assert digest_of(tmp_path, changed) != digest_of(tmp_path, CLIPS)


def test_an_array_from_a_file_counts_like_one_from_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BLOCK_BYTES", 1000)
    data = np.random.default_rng(0).integers(0, 256, 2500, np.uint8)
    (tmp_path / "spooled").write_bytes(data)
    spooled = digest_of(tmp_path, [("a", {"video": store.Spooled(tmp_path / "spooled")}, {})])
    assert digest_of(tmp_path, [("a", {"video": data}, {})]) == spooled


def test_a_shard_without_a_digest_is_refused_with_the_remedy(tmp_path):
    digest_of(tmp_path, CLIPS)
    with h5py.File(tmp_path / "0000.h5", "a") as file:
        del file.attrs["digest"]
    with pytest.raises(InputError, match=r"0000\.h5 has no digest, an older version wrote it: rerun the stage that"):
        store.stored_digest(tmp_path / "0000.h5")


def test_a_writer_that_fails_leaves_no_file(tmp_path):
    def write():
        with store.create(tmp_path / "0000.h5", ORIGIN) as writer:
            writer.put("a", {"mel": np.zeros(3)})
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_clip_is_put_once(tmp_path):
    with store.create(tmp_path / "0000.h5", ORIGIN) as writer:
        writer.put("a", {})
        with pytest.raises(ValueError, match="exists"):
            writer.put("a", {})


def test_another_format_is_refused_with_the_remedy(tmp_path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["format"] = 0
    with (
        pytest.raises(InputError, match="store format 0, this version reads 1: rerun the stage that wrote it"),
        store.open_shard(tmp_path / "old.h5"),
    ):
        pass


def test_packed_pictures_are_read_one_by_one(tmp_path):
    pictures = [b"first", b"", b"the third"]
    with store.create(tmp_path / "0000.h5", ORIGIN) as writer:
        with store.PictureFile(tmp_path) as file:
            for picture in pictures:
                file.add(picture)
        writer.put("a", file.arrays())
    with store.open_shard(tmp_path / "0000.h5") as file:
        assert [store.picture(file["a"], index).tobytes() for index in range(3)] == pictures
        assert file["a"]["offsets"][:].tolist() == [0, 5, 5, 14]


def test_no_picture_at_all_is_packed_too(tmp_path):
    with store.create(tmp_path / "0000.h5", ORIGIN) as writer, store.PictureFile(tmp_path) as pictures:
        writer.put("a", pictures.arrays())
    with store.open_shard(tmp_path / "0000.h5") as file:
        assert file["a"]["frames"].size == 0
        assert file["a"]["offsets"][:].tolist() == [0]


def test_the_file_of_pictures_goes_when_they_are_stored_or_when_they_cannot_be_made(tmp_path):
    with store.create(tmp_path / "0000.h5", ORIGIN) as writer, store.PictureFile(tmp_path) as pictures:
        pictures.add(b"one")
        writer.put("a", pictures.arrays())
    with pytest.raises(ClipError), store.PictureFile(tmp_path):
        raise ClipError(Reason.DAMAGED, "half-way")
    assert [path.name for path in tmp_path.iterdir()] == ["0000.h5"]


def test_a_stored_file_is_read_like_any_other(tmp_path):
    data = np.random.default_rng(0).integers(0, 256, 3 * store.BLOCK_BYTES // 2, np.uint8)
    (tmp_path / "spooled").write_bytes(data)
    with store.create(tmp_path / "0000.h5", ORIGIN) as writer:
        writer.put("a", {"video": store.Spooled(tmp_path / "spooled")})
    with store.open_shard(tmp_path / "0000.h5") as shard:
        file = store.reader(shard["a"]["video"])
        assert file.read() == data.tobytes()
        assert (file.seek(-5, 2), file.read(9)) == (len(data) - 5, data[-5:].tobytes())
        assert (file.seek(7), file.read(3), file.seek(2, 1), file.tell()) == (7, data[7:10].tobytes(), 12, 12)
