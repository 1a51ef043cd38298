"""Facts about unpacking: what lies where afterwards, what is left alone, and how a killed run goes on."""

import os
import re
import signal
import subprocess
import sys

import pytest
from filelock import FileLock
from project import REPOSITORY
from shelf import FILES, below, md5, tarred, zipped

from tavce import __version__
from tavce.archives.unpack import PART, need_room
from tavce.records import InputError

KINDS = pytest.mark.parametrize("pack", [zipped, tarred])
KILLED_AT = """
import os, signal
replace = os.replace
def killed(part, path):
    if str(path).endswith("%s"):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, path)
os.replace = killed
"""
MANY = {f"mp4/id{number // 100:05d}/{number:05d}.mp4": b"%d" % number * 9 for number in range(2000)}


@KINDS
def test_members_come_out_of_parts_as_they_were_packed(shelf, pack):
    shelf.put("toy", pack(FILES), parts=5)
    assert shelf.run() == 0
    assert shelf.unpacked("toy") == FILES


@KINDS
def test_a_first_folder_that_an_archive_goes_to_anyway_is_not_doubled(shelf, pack):
    shelf.put("toy", pack({f"dev/{name}": content for name, content in FILES.items()}))
    assert shelf.run() == 0
    assert shelf.unpacked("toy") == FILES


def test_archives_are_never_changed(shelf):
    shelf.put("toy", zipped(FILES), parts=3)
    before = below(shelf.source), [path.stat().st_mtime_ns for path in sorted(shelf.source.iterdir())]
    assert shelf.run() == 0
    assert before == (below(shelf.source), [path.stat().st_mtime_ns for path in sorted(shelf.source.iterdir())])


def test_an_archive_that_is_read_in_place_is_unpacked_only_by_name(shelf):
    shelf.put("toy", zipped(FILES), read_in_place=True)
    assert shelf.run() == 0
    assert not (shelf.out / "toy").exists()
    assert shelf.notes()["toy"]["unpacked"] is None
    assert shelf.run("--only", "toy") == 0
    assert shelf.unpacked("toy") == FILES


def test_the_notes_say_what_was_verified_and_unpacked(shelf):
    parts = shelf.put("toy", zipped(FILES), parts=2)
    assert shelf.run() == 0
    noted = shelf.notes()["toy"]
    stamps = [noted.pop("verified_at"), noted["unpacked"].pop("at")]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    assert re.fullmatch("[0-9a-f]{16}", noted.pop("key"))
    sums = [md5(part.read_bytes()) for part in parts]
    assert noted == {
        "corpus": "Toy",
        "licence": "CC0",
        "access": "toys@example.org",
        "parts": [
            {"file": part.name, "bytes": part.stat().st_size, "md5": sum_, "published_md5": sum_}
            for part, sum_ in zip(parts, sums, strict=True)
        ],
        "whole": {"md5": None, "published_md5": None},
        "as_published": True,
        "unpacked": {"folder": "toy/dev", "members": 4, "bytes": sum(map(len, FILES.values()))},
        "tool_version": __version__,
    }


def test_the_notes_keep_what_was_unpacked_before(shelf):
    shelf.put("one", zipped(FILES))
    assert shelf.run() == 0
    unpacked = shelf.notes()["one"]["unpacked"]
    shelf.put("two", tarred(FILES))
    assert shelf.run("--verify-only") == 0
    assert shelf.notes()["one"]["unpacked"] == unpacked
    assert shelf.notes()["two"]["unpacked"] is None
    shelf.put("one", zipped({"another": b"archive"}))
    assert shelf.run("--verify-only") == 0
    assert shelf.notes()["one"]["unpacked"] is None


@KINDS
def test_a_second_run_writes_nothing_and_a_deleted_member_comes_back(shelf, pack, caplog):
    shelf.put("toy", pack(FILES))
    assert shelf.run() == 0
    folder = shelf.out / "toy/dev"
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mp4")}
    deleted = folder / "mp4/id00012/_raOc3-IRsw/00111.mp4"
    deleted.unlink()
    del times[deleted]
    assert shelf.run() == 0
    assert "toy: 1 files written" in caplog.text
    assert shelf.unpacked("toy") == FILES
    assert times == {path: path.stat().st_mtime_ns for path in times}


@KINDS
@pytest.mark.parametrize("content", [b"the user's own", FILES["mp4/id00012/_raOc3-IRsw/00111.mp4"][::-1]])
def test_another_file_in_a_members_place_is_left_alone(shelf, pack, content, capsys):
    shelf.put("toy", pack(FILES))
    path = shelf.out / "toy/dev/mp4/id00012/_raOc3-IRsw/00111.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert shelf.run() == 2
    assert f"{path} is there and is not what toy has under this name: it is left alone" in capsys.readouterr().err
    assert path.read_bytes() == content


def test_a_link_in_a_members_place_is_left_alone(shelf):
    shelf.put("toy", zipped({"a.txt": b"good"}))
    path = shelf.out / "toy/dev/a.txt"
    path.parent.mkdir(parents=True)
    path.symlink_to(shelf.root / "elsewhere")
    assert shelf.run() == 2
    assert path.is_symlink()
    assert not (shelf.root / "elsewhere").exists()


@KINDS
def test_what_another_program_unpacked_is_taken_as_it_is(shelf, pack, caplog):
    shelf.put("toy", pack(FILES))
    for name in [*FILES][:2]:
        path = shelf.out / "toy/dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
    assert shelf.run() == 0
    assert "toy: 2 files written" in caplog.text
    assert shelf.unpacked("toy") == FILES


def test_a_file_in_a_folders_place_is_left_alone(shelf, capsys):
    shelf.put("toy", zipped(FILES))
    (shelf.out / "toy").mkdir(parents=True)
    (shelf.out / "toy/dev").write_bytes(b"mine")
    assert shelf.run() == 2
    assert "cannot be written (Not a directory): make room, or correct the permissions" in capsys.readouterr().err
    assert (shelf.out / "toy/dev").read_bytes() == b"mine"


def test_an_output_folder_that_cannot_be_made_is_named(shelf, capsys):
    shelf.put("toy", zipped(FILES))
    shelf.out.write_bytes(b"")
    assert shelf.run() == 2
    assert f"--out {shelf.out} cannot be made (Not a directory): name another folder" in capsys.readouterr().err


def test_too_little_room_is_said_in_numbers_before_the_start(tmp_path):
    need_room({tmp_path / "one": 10, tmp_path / "two": 10})
    with pytest.raises(
        InputError, match=rf"^{re.escape(str(tmp_path))}: 600000\.0 GB are needed and [\d.]+ GB are free"
    ):
        need_room({tmp_path / "one": 3 * 10**14, tmp_path / "two/new": 3 * 10**14})


@KINDS
@pytest.mark.parametrize("size", [600_000, 3_000_000])  # read at once, and in pieces
def test_a_disk_that_takes_no_more_leaves_whole_members_only(shelf, pack, size):
    files = {"a.mp4": b"whole", "b.mp4": bytes(size), "c.mp4": b"later"}
    shelf.put("toy", pack(files))
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))"
    process = started(shelf, before=limit, stderr=subprocess.PIPE)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"b.mp4 cannot be written (File too large): make room, or correct the permissions" in error
    assert shelf.unpacked("toy") == {"a.mp4": b"whole"}
    assert shelf.run() == 0
    assert shelf.unpacked("toy") == files


@KINDS
def test_a_killed_run_goes_on_where_it_stopped(shelf, pack, caplog):
    shelf.put("toy", pack(MANY), parts=3)
    names = [*MANY]
    assert started(shelf, before=KILLED_AT % names[800]).wait(timeout=60) == -signal.SIGKILL
    half = shelf.unpacked("toy")
    assert half.pop(f"{os.path.dirname(names[800])}/{PART}") == MANY[names[800]]
    assert half == {name: MANY[name] for name in names[:800]}
    folder = shelf.out / "toy/dev"
    times = {name: (folder / name).stat().st_mtime_ns for name in half}
    assert shelf.run() == 0
    assert f"toy: {len(MANY) - 800} files written" in caplog.text
    assert shelf.unpacked("toy") == MANY
    assert times == {name: (folder / name).stat().st_mtime_ns for name in half}


def test_a_member_once_written_is_known_by_its_size_as_long_as_the_archive_is_the_same(shelf, capsys):
    content = {"a.txt": b"written", "b.txt": b"others"}
    shelf.put("toy", zipped(content))
    assert shelf.run() == 0
    path = shelf.out / "toy/dev/a.txt"
    path.write_bytes(b"changed")
    assert shelf.run() == 0
    shelf.put("toy", zipped(content | {"c.txt": b"new"}))
    assert shelf.run() == 2
    path.write_bytes(b"longer than it was")
    shelf.put("toy", zipped(content))
    assert shelf.run() == 2
    assert capsys.readouterr().err.count(f"{path} is there and is not what toy has under this name") == 2
    assert path.read_bytes() == b"longer than it was"


def test_two_runs_do_not_work_in_one_folder(shelf, capsys):
    shelf.put("toy", zipped(FILES))
    (shelf.out / ".archives").mkdir(parents=True)
    with FileLock(shelf.out / ".archives/lock"):
        process = started(shelf, stderr=subprocess.PIPE)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"another `tavce archives` is at work there: wait for its end" in error
    assert shelf.run() == 0


def started(shelf, before: str = "", **options) -> subprocess.Popen:
    """Run the command in a process of its own, some code before it."""
    code = f"import sys; from tavce.cli import main\n{before}\nsys.exit(main({shelf.command()}))"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen([sys.executable, "-c", code], cwd=shelf.root, env=environment, **options)
