"""Facts about files that appear whole or not at all, and about digests."""

import hashlib

import pytest

from tavce.files import digest, read_json, sha256, whole, write_json, write_text


def test_a_file_appears_when_its_block_ends_well(tmp_path):
    with whole(tmp_path / "new" / "a.h5") as part:
        part.write_text("content", encoding="utf-8")
        assert part.suffix == ".h5"
        assert not (tmp_path / "new" / "a.h5").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.h5"]
    assert (tmp_path / "new" / "a.h5").read_text(encoding="utf-8") == "content"


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def write():
        with whole(tmp_path / "a.txt") as part:
            part.write_text("ne", encoding="utf-8")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_json_comes_back_as_it_was_written(tmp_path):
    value = {"b": [1, 2.5, None], "a": "Łódź"}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert (tmp_path / "a.json").read_text(encoding="utf-8").index("Łódź") < 20


def test_json_without_a_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_files_digest_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_a_values_digest_ignores_the_order_of_its_keys():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1, "b": [1, 2]}) != digest({"a": 1, "b": [2, 1]})
    assert len(digest(None)) == 16
