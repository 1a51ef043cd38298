"""Facts about archives in a folder: which are there, and whether they are the published ones."""

import os

import pytest
from shelf import FILES, md5, tarred, zipped


def test_an_archive_as_published_is_called_so(shelf, caplog):
    shelf.put("toy", zipped(FILES), parts=3)
    assert shelf.run("--verify-only") == 0
    assert "toy: complete, as published" in caplog.text
    assert not (shelf.out / "toy").exists()


def test_missing_parts_are_named_and_where_to_ask_for_them(shelf, capsys):
    parts = shelf.put("toy", zipped(FILES), parts=4)
    parts[1].unlink()
    parts[3].unlink()
    assert shelf.run() == 2
    words = f"toy: parts missing in {shelf.source}: toy_partab, toy_partad: ask for them at toys@example.org"
    assert words in capsys.readouterr().err
    assert not (shelf.out / "toy").exists()
    assert not (shelf.out / "archives.json").exists()


def test_a_wrong_part_is_named_with_both_sums_and_the_remedy(shelf, capsys):
    part = shelf.put("toy", zipped(FILES), parts=3)[1]
    right = md5(part.read_bytes())
    part.write_bytes(b"an error page of the server")
    assert shelf.run() == 2
    error = capsys.readouterr().err
    assert (
        f"toy: checksum wrong: the MD5 of toy_partab should be {right} and is {md5(part.read_bytes())}: fetch it again "
        "from toys@example.org"
    ) in error
    assert "toy_partaa should" not in error
    assert not (shelf.out / "toy").exists()


def test_one_wrong_archive_does_not_keep_the_others_from_being_unpacked(shelf):
    shelf.put("bad", zipped(FILES))[0].write_bytes(b"PK")
    shelf.put("good", zipped(FILES))
    assert shelf.run() == 2
    assert shelf.unpacked("good") == FILES
    assert [*shelf.notes()] == ["good"]


def test_an_archive_without_published_sums_is_unpacked_and_its_sums_are_noted(shelf, caplog):
    parts = shelf.put("toy", tarred(FILES), parts=2)
    shelf.entries["toy"]["parts"] = dict.fromkeys(part.name for part in parts)
    assert shelf.run() == 0
    assert "toy: complete, but no checksum is published that covers all of it" in caplog.text
    noted = shelf.notes()["toy"]
    assert not noted["as_published"]
    assert [part["md5"] for part in noted["parts"]] == [md5(part.read_bytes()) for part in parts]


@pytest.mark.parametrize("right", [True, False])
def test_where_parts_have_no_sum_that_of_the_whole_decides(shelf, right, capsys):
    content = zipped(FILES)
    parts = shelf.put("toy", content, parts=2, whole=md5(content if right else b"other"))
    shelf.entries["toy"]["parts"] = dict.fromkeys(part.name for part in parts)
    assert shelf.run() == (0 if right else 2)
    error = capsys.readouterr().err
    if right:
        noted = shelf.notes()["toy"]
        assert noted["as_published"]
        assert noted["whole"] == {"md5": md5(content), "published_md5": md5(content)}
    else:
        assert f"the MD5 of toy_partaa, toy_partab, one after another should be {md5(b'other')} and is" in error


def test_parts_that_were_joined_to_one_file_are_known_by_its_name(shelf):
    content = zipped(FILES)
    for part in shelf.put("toy", content, parts=3, joined=["toy.zip"], whole=md5(content)):
        part.unlink()
    (shelf.source / "toy.zip").write_bytes(content)
    assert shelf.run() == 0
    assert shelf.unpacked("toy") == FILES
    assert [part["file"] for part in shelf.notes()["toy"]["parts"]] == ["toy.zip"]
    assert shelf.notes()["toy"]["as_published"]


def test_parts_are_taken_where_the_joined_file_is_there_too(shelf):
    content = zipped(FILES)
    shelf.put("toy", content, parts=2, joined=["toy.zip"], whole=md5(content))
    (shelf.source / "toy.zip").write_bytes(b"half a copy")
    assert shelf.run() == 0
    assert len(shelf.notes()["toy"]["parts"]) == 2


def test_a_file_is_not_read_again_until_its_size_or_time_changes(shelf, caplog):
    part = shelf.put("toy", zipped(FILES))[0]
    assert shelf.run("--verify-only") == 0
    at = shelf.notes()["toy"]["verified_at"]
    status = part.stat()
    part.write_bytes(bytes(status.st_size))
    os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
    caplog.clear()
    assert shelf.run("--verify-only") == 0
    assert "MD5 of" not in caplog.text
    assert shelf.notes()["toy"]["verified_at"] == at
    os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert shelf.run("--verify-only") == 2
    assert "MD5 of toy_partaa" in caplog.text


def test_files_of_no_known_archive_are_named_and_ignored(shelf, caplog):
    shelf.put("toy", zipped(FILES))
    for number in range(25):
        (shelf.source / f"other{number:02d}.zip").write_bytes(b"")
    (shelf.source / "folder").mkdir()
    assert shelf.run() == 0
    assert "ignored, no file of a known archive: other00.zip, other01.zip" in caplog.text
    assert "other19.zip and 5 more" in caplog.text
    assert "folder" not in caplog.text


def test_only_the_archives_asked_for_are_read(shelf):
    shelf.put("one", zipped(FILES))
    shelf.put("two", zipped(FILES))
    assert shelf.run("--only", "two") == 0
    assert [*shelf.notes()] == ["two"]
    assert not (shelf.out / "one").exists()


def test_an_archive_asked_for_that_is_not_there_is_missed(shelf, capsys):
    shelf.put("one", zipped(FILES))
    shelf.put("two", zipped(FILES))[0].unlink()
    assert shelf.run() == 0
    assert shelf.run("--only", "two") == 2
    assert "two: parts missing in" in capsys.readouterr().err


def test_an_unknown_name_is_refused_with_the_known_ones(shelf, capsys):
    shelf.put("one", zipped(FILES))
    assert shelf.run("--only", "vox3") == 2
    assert "--only vox3: no such archive is known: known are one" in capsys.readouterr().err


def test_a_folder_without_archives_is_refused(shelf, capsys):
    shelf.put("one", zipped(FILES))[0].unlink()
    assert shelf.run() == 2
    assert f"--source {shelf.source} holds no file of a known archive: known are one_partaa" in capsys.readouterr().err
    shelf.source.rmdir()
    assert shelf.run() == 2
    assert f"--source {shelf.source} is no folder: name the one that holds the archives" in capsys.readouterr().err
