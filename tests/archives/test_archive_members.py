"""Facts about archives that could do harm, or are damaged: nothing of them is unpacked, and the error says why."""

import io
import stat
import struct
import tarfile
import zipfile

import pytest
from shelf import FILES, below, tarred, zipped

GOOD = {"a.txt": b"good"}


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    """Return a tar's member that is no file."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = "a.txt"
    return member


def zip_with(change, content: bytes = b"x" * 10, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip with a good member and one whose entry is changed before it is written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", b"good")
        info = zipfile.ZipInfo("b.txt")
        archive.writestr(info, content, method)
        change(info)
    return buffer.getvalue()


def encrypted(info: zipfile.ZipInfo) -> None:
    info.flag_bits |= 1


def symlink(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def pipe(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFIFO | 0o644) << 16


def bomb(info: zipfile.ZipInfo) -> None:
    info.file_size = 10**6


def over_the_first(info: zipfile.ZipInfo) -> None:
    info.header_offset = 1


def nameless(info: zipfile.ZipInfo) -> None:
    info.filename = ""


def unchanged(item):
    return item


def holes() -> bytes:
    """Return an old GNU tar of one sparse file."""
    member = tarfile.TarInfo("sparse")
    member.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    struct.pack_into("12s12s", block, 386, b"00000000000\0", b"00000000000\0")
    block[148:156] = b"%06o\0 " % (256 + sum(block[:148]) + sum(block[156:512]))
    return bytes(block) + bytes(1024)


def twice() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("a.txt"))
    return buffer.getvalue()


BAD = {
    "a way up": (zipped({"../a.txt": b""}), "'../a.txt' leads out of its folder"),
    "a way up in a tar": (tarred({"b/../../a.txt": b""}), "'b/../../a.txt' leads out of its folder"),
    "a folder above": (tarred({}, special("..", tarfile.DIRTYPE)), "'..' leads out of its folder"),
    "an absolute path": (zipped({"/tmp/a.txt": b""}), "'/tmp/a.txt' is absolute"),
    "an absolute path in a tar": (tarred({"/tmp/a.txt": b""}), "'/tmp/a.txt' is absolute"),
    "a drive": (zipped({"C:/a.txt": b""}), "'C:/a.txt' begins with a drive letter"),
    "a backslash": (zipped({"..\\a.txt": b""}), r"'..\\a.txt' has a backslash"),
    "no name": (zip_with(nameless), "'' is empty"),
    "a symbolic link": (zip_with(symlink), "'b.txt' is a symbolic link"),
    "a pipe": (zip_with(pipe), "'b.txt' is no plain file"),
    "a symbolic link in a tar": (tarred(GOOD, special("b", tarfile.SYMTYPE)), "'b' is a symbolic link"),
    "a hard link": (tarred(GOOD, special("b", tarfile.LNKTYPE)), "'b' is a hard link"),
    "a device": (tarred(GOOD, special("b", tarfile.CHRTYPE)), "'b' is a device"),
    "a disk": (tarred(GOOD, special("b", tarfile.BLKTYPE)), "'b' is a device"),
    "a pipe in a tar": (tarred(GOOD, special("b", tarfile.FIFOTYPE)), "'b' is a pipe"),
    "holes": (holes(), "'sparse' has holes"),
    "one name twice": (twice(), "'a.txt' is there twice"),
    "a detour to one name": (zipped({"a.txt": b"", "./a.txt": b""}), "'a.txt' is there twice"),
    "a file as a folder": (zipped({"a/b/c": b"", "a": b""}), "'a' is a file and a folder"),
    "a password": (zip_with(encrypted), "'b.txt' is encrypted"),
    "another compression": (zip_with(unchanged, method=zipfile.ZIP_BZIP2), "'b.txt' is compressed by method 12"),
    "a bomb": (
        zip_with(bomb, method=zipfile.ZIP_DEFLATED),
        "'b.txt' declares 1000000 bytes, of which its 5 can hold 5160 at most",
    ),
    "a bomb that is stored": (zip_with(bomb), "'b.txt' declares 1000000 bytes, of which its 10 can hold 10 at most"),
    "one over another": (zip_with(over_the_first), "'a.txt' lies over the next one, as in a zip bomb"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_archive_that_could_do_harm_is_refused_whole(shelf, name, capsys):
    content, words = BAD[name]
    shelf.put("bad", content)
    shelf.put("toy", zipped(FILES))
    assert shelf.run() == 2
    assert f"bad: its member {words}: nothing of it is unpacked" in capsys.readouterr().err
    assert [path.name for path in shelf.root.iterdir() if path not in (shelf.source, shelf.table)] == ["out"]
    assert sorted(below(shelf.out)) == [".archives/lock", ".archives/sums.json", "archives.json"]


def test_names_that_differ_in_case_only_are_two_files(shelf):
    shelf.put("toy", zipped({"-aB.txt": b"one", "-ab.txt": b"other"}))
    assert shelf.run() == 0
    assert shelf.unpacked("toy") == {"-aB.txt": b"one", "-ab.txt": b"other"}


def test_folders_of_an_archive_are_made_where_a_file_needs_them(shelf):
    folder = zipfile.ZipInfo("b/")
    folder.external_attr = (stat.S_IFDIR | 0o755) << 16
    buffer = io.BytesIO(zipped({"./b/a.txt": b"zip"}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(folder, b"")
    shelf.put("zip", buffer.getvalue())
    shelf.put("tar", tarred({"./b/a.txt": b"tar"}, special(".", tarfile.DIRTYPE), special("c", tarfile.DIRTYPE)))
    assert shelf.run() == 0
    assert (shelf.unpacked("zip"), shelf.unpacked("tar")) == ({"b/a.txt": b"zip"}, {"b/a.txt": b"tar"})
    assert not (shelf.out / "tar/dev/c").exists()


def cut(content: bytes) -> bytes:
    return content[: len(content) - 20]


def flipped(content: bytes) -> bytes:
    return content[:60] + bytes([content[60] ^ 1]) + content[61:]


def longer(content: bytes) -> bytes:
    return content + content[-50:]


def gone(content: bytes) -> bytes:
    return b""


NOISE = {f"{number}.bin": bytes((number * 7 + byte * byte) % 251 for byte in range(900)) for number in range(5)}


LIST = "its list of members"


@pytest.mark.parametrize(
    ("content", "damage", "part", "words"),
    [
        (zipped(NOISE), cut, 3, f"{LIST} cannot be read (File is not a zip file): bad_partad"),
        (zipped(NOISE), cut, 1, f"{LIST} cannot be read (byte -20 is where byte 0 should be): bad_partab"),
        (zipped(NOISE), longer, 1, f"{LIST} cannot be read (byte 50 is where byte 0 should be): bad_partab"),
        (zipped(NOISE), flipped, 0, "'0.bin' cannot be read (Bad CRC-32 for file '0.bin'): bad_partaa"),
        (zipped(NOISE), flipped, 1, "'1.bin' cannot be read (Bad CRC-32 for file '1.bin'): bad_partaa or bad_partab"),
        (tarred(NOISE), cut, 1, f"{LIST} cannot be read (neither a member nor the end at byte 4608): bad_partab"),
        (tarred(NOISE), gone, 3, f"{LIST} cannot be read (neither a member nor the end at byte 7680): bad_partac"),
        (tarred(NOISE)[:7000], unchanged, 0, f"{LIST} cannot be read (unexpected end of data): bad_partad"),
        (tarred(NOISE), flipped, 0, f"{LIST} cannot be read (bad checksum): bad_partaa"),
        (b"", unchanged, 0, f"{LIST} cannot be read (empty file): bad_partad"),
    ],
)
def test_a_damaged_archive_is_refused_and_its_part_is_named(shelf, content, damage, part, words, capsys):
    parts = shelf.put("bad", content, parts=4)
    parts[part].write_bytes(damage(parts[part].read_bytes()))
    shelf.entries["bad"]["parts"] = dict.fromkeys(path.name for path in parts)
    assert shelf.run() == 2
    assert f"bad: {words} is cut off or damaged: fetch it again" in capsys.readouterr().err
    assert not (shelf.out / "bad/dev/1.bin").exists()


def test_a_member_of_fewer_bytes_than_it_declares_is_not_kept(shelf, capsys):
    def grown(info):
        info.file_size += 5
        info.CRC = 0

    shelf.put("bad", zip_with(grown, method=zipfile.ZIP_DEFLATED))
    assert shelf.run() == 2
    assert "bad: 'b.txt' cannot be read (" in capsys.readouterr().err
    assert shelf.unpacked("bad") == GOOD


def test_a_member_of_more_bytes_than_it_declares_is_not_kept(shelf, capsys):
    def shrunk(info):
        info.file_size -= 5

    shelf.put("bad", zip_with(shrunk, method=zipfile.ZIP_DEFLATED))
    assert shelf.run() == 2
    assert "bad: 'b.txt' cannot be read (Bad CRC-32" in capsys.readouterr().err
    assert shelf.unpacked("bad") == GOOD
