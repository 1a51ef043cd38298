"""Facts about other methods' videos: which are found, made, copied, noted and lost, and that no clip is forgotten."""

import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from coded_video import ffmpeg, tone
from tiny_corpus import FRAMES, TinyCorpus, tiny_settings

from tavce.cli import main
from tavce.files import sha256
from tavce.media import VideoFormat, write_video
from tavce.methods.command import Command
from tavce.records import ClipRecord, InputError, Reason, read_records, write_lines

SIDE = 32


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """Two videos as they are wanted."""
    folder = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("d0", "e0")):
        noise = np.random.default_rng(seed).integers(0, 255, (FRAMES, SIDE, SIDE, 3), np.uint8)
        write_video(folder / f"{name}.mp4", noise, tone(FRAMES / 25), VideoFormat(25, 16_000, 30, "ultrafast"))
    return {name: folder / f"{name}.mp4" for name in ("d0", "e0")}


def command(tiny: TinyCorpus, folder: Path, *source: str) -> list[str]:
    arguments = ["gather", "--settings", tiny_settings().sections("gather"), "--method", "theirs", "--dataset", "tiny"]
    arguments += ["--index", tiny.index, "--fates", tiny.fates, *source]
    return [*arguments, "--videos", str(folder / "out/theirs"), "--records", str(folder / "out/theirs.jsonl")]


def gather(tiny: TinyCorpus, folder: Path) -> int:
    return main(command(tiny, folder, "--source", str(folder / "videos")))


def place(folder: Path, **videos: Path) -> Path:
    """Copy videos into the user's folder, by name; `__` in a name is a folder."""
    for name, path in videos.items():
        target = (folder / "videos" / name.replace("__", "/")).with_suffix(path.suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder / "videos"


def records_of(folder: Path) -> dict[str, ClipRecord]:
    return {record.clip_id: record for record in read_records(folder / "out/theirs.jsonl")}


def gathered(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out/theirs").iterdir())


@pytest.mark.parametrize("under", ["", "tiny__"])
def test_every_test_clip_has_a_record_and_its_video_byte_by_byte(tiny, made, tmp_path, under):
    place(tmp_path, **{f"{under}{name}": path for name, path in made.items()})
    assert gather(tiny, tmp_path) == 0
    assert gathered(tmp_path) == ["d0.mp4", "e0.mp4"]
    assert sha256(tmp_path / "out/theirs/d0.mp4") == sha256(made["d0"])
    records = records_of(tmp_path)
    assert [(record.clip_id, record.reason, record.lost_at) for record in records.values()] == [
        ("d0", None, None),
        ("e0", None, None),
        ("f0", Reason.NO_FACE, "detect"),
    ]
    assert {(record.stage, record.detail) for record in records.values()} == {("gather", "")}
    assert records["d0"].numbers.items() >= {"frames_found": FRAMES, "fps": 25, "sha256": sha256(made["d0"])}.items()


def test_a_missing_and_a_short_video_are_dropped_and_the_users_files_stay(tiny, made, tmp_path):
    ffmpeg("-i", made["d0"], "-frames:v", "20", tmp_path / "short.mp4")
    videos = place(tmp_path, d0=tmp_path / "short.mp4", f0=made["e0"])
    before = {path.name: sha256(path) for path in videos.iterdir()}
    assert gather(tiny, tmp_path) == 0
    assert gathered(tmp_path) == []
    records = records_of(tmp_path)
    assert (records["d0"].reason, records["d0"].lost_at) == (Reason.TOO_SHORT, "gather")
    assert "20 frames at 25 a second, the clip has 40" in records["d0"].detail
    assert (records["e0"].reason, records["e0"].detail) == (Reason.MISSING_FILE, f"{videos}/e0.mp4 is not there")
    assert {path.name: sha256(path) for path in videos.iterdir()} == before


def test_another_container_is_copied_under_the_name_that_is_expected(tiny, made, tmp_path):
    ffmpeg("-i", made["d0"], "-c", "copy", "-an", tmp_path / "d0.mkv")
    place(tmp_path, d0=tmp_path / "d0.mkv", e0=made["e0"])
    assert gather(tiny, tmp_path) == 0
    assert sha256(tmp_path / "out/theirs/d0.mp4") == sha256(tmp_path / "d0.mkv")
    record = records_of(tmp_path)["d0"]
    assert record.detail == "no sound: the clip's own is used"
    assert record.numbers["container"] == "matroska,webm"


def test_one_video_for_several_clips_is_noted_and_warned_of(tiny, made, tmp_path, caplog):
    place(tmp_path, d0=made["d0"], e0=made["d0"])
    assert gather(tiny, tmp_path) == 0
    records = records_of(tmp_path)
    assert (records["d0"].detail, records["d0"].numbers["same_as"]) == ("the same video as e0", "e0")
    assert (records["e0"].detail, records["e0"].numbers["same_as"]) == ("the same video as d0", "d0")
    assert "theirs has one and the same video for 2 clips: d0, e0" in caplog.text


def test_a_video_that_is_of_no_test_clip_is_named_with_the_nearest(tiny, made, tmp_path, caplog):
    place(tmp_path, d0=made["d0"], e0_out=made["e0"], wholly_else=made["e0"])
    with caplog.at_level(logging.WARNING):
        assert gather(tiny, tmp_path) == 0
    assert "2 of 3 videos in" in caplog.text
    assert "are named by no test clip: e0_out.mp4 (is it e0?), wholly_else.mp4" in caplog.text


def test_a_folder_without_a_test_clips_video_is_refused_with_what_was_found_and_wanted(tiny, made, tmp_path, capsys):
    place(tmp_path, **{f"x{number}": made["d0"] for number in range(5)})
    assert gather(tiny, tmp_path) == 2
    words = "named by a test clip of tiny: found x0.mp4, x1.mp4, x2.mp4 and 2 more; wanted d0.mp4, e0.mp4"
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out/theirs.jsonl").exists()


def test_a_folder_that_is_not_there_or_empty_is_refused(tiny, tmp_path, capsys):
    assert gather(tiny, tmp_path) == 2
    assert f"{tmp_path}/videos is not there: correct the folder of the videos" in capsys.readouterr().err
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/._d0.mp4").touch()
    assert gather(tiny, tmp_path) == 2
    assert "videos has no video (.mp4 .m4v .mov .mkv .webm .avi): put CLIP_ID.mp4" in capsys.readouterr().err


def test_two_files_of_the_same_clip_are_refused(tiny, made, tmp_path, capsys):
    videos = place(tmp_path, d0=made["d0"])
    (videos / "d0.MOV").touch()
    assert gather(tiny, tmp_path) == 2
    assert f"{videos}/d0.MOV and {videos}/d0.mp4 are of the same clip: leave one" in capsys.readouterr().err


def test_where_no_test_clip_is_left_no_video_is_wanted(tiny, tmp_path):
    lost = [record for record in read_records(tiny.fates) if not record.kept]
    write_lines(tmp_path / "fates.jsonl", lost)
    arguments = command(tiny, tmp_path, "--source", "nowhere")
    arguments[arguments.index("--fates") + 1] = str(tmp_path / "fates.jsonl")
    assert main(arguments) == 0
    assert (gathered(tmp_path), [*records_of(tmp_path)]) == ([], ["f0"])


SCRIPT = """
import pathlib, shutil, sys, time
portrait, audio, out, videos, log = map(pathlib.Path, sys.argv[1:6])
assert portrait.stat().st_size and audio.stat().st_size == 44 + 40 * 1280
started = log.read_text().count("\\n") if log.exists() else 0
log.open("a").write(f"{portrait}\\n")
print("working")
BEHAVIOUR
shutil.copyfile(videos / f"{'de'[started % 2]}0.mp4", out)
"""


def script(folder: Path, made: dict[str, Path], behaviour: str = "") -> str:
    """Return a command that copies the videos of d0 and e0 by turns, in Python, and does something else before."""
    (folder / "their model.py").write_text(SCRIPT.replace("BEHAVIOUR", behaviour))
    words = [sys.executable, str(folder / "their model.py"), "{portrait}", "{audio}", "{out}"]
    return shlex.join([*words, str(made["d0"].parent), str(folder / "log")])


def calls(folder: Path) -> int:
    return (folder / "log").read_text().count("\n")


def test_a_command_makes_the_video_of_each_clip_once(tiny, made, tmp_path):
    arguments = command(tiny, tmp_path, "--command", script(tmp_path, made))
    assert main(arguments) == 0
    assert gathered(tmp_path) == ["d0.mp4", "e0.mp4"]
    assert sha256(tmp_path / "out/theirs/e0.mp4") == sha256(made["e0"])
    assert main(arguments) == 0
    assert calls(tmp_path) == 2


def test_another_command_makes_its_videos_anew(tiny, made, tmp_path):
    one = script(tmp_path, made)
    assert main(command(tiny, tmp_path, "--command", one)) == 0
    assert main(command(tiny, tmp_path, "--command", f"{one} --better")) == 0
    assert calls(tmp_path) == 4


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("if started == 1: sys.exit('out of memory\\n')", "the command ended with 1: out of memory"),
        ("if started == 1: sys.exit(0)", "the command ended well, but wrote no {out}: it said nothing"),
        ("if started == 1: time.sleep(60)", "the command took longer than 1 s: it said nothing"),
    ],
)
def test_a_command_that_fails_drops_its_clip_alone(tiny, made, tmp_path, behaviour, words):
    template = script(tmp_path, made, behaviour)
    assert main(command(tiny, tmp_path, "--command", template, "--timeout-s", "1")) == 0
    assert gathered(tmp_path) == ["d0.mp4"]
    record = records_of(tmp_path)["e0"]
    assert (record.reason, record.lost_at, record.detail) == (Reason.METHOD_FAILED, "gather", words)


def test_a_video_that_cannot_be_used_is_made_again_the_next_time(tiny, made, tmp_path):
    arguments = command(tiny, tmp_path, "--command", script(tmp_path, made, "if started == 1: sys.exit(out.touch())"))
    assert main(arguments) == 0
    assert records_of(tmp_path)["e0"].reason == Reason.EMPTY_FILE
    assert main(arguments) == 0
    assert calls(tmp_path) == 3
    assert records_of(tmp_path)["e0"].kept


def test_a_command_that_makes_nothing_at_all_stops_the_run(tiny, made, tmp_path, capsys):
    template = script(tmp_path, made, "sys.exit('no such model')")
    assert main(command(tiny, tmp_path, "--command", template)) == 2
    words = "theirs made none of 2 videos: d0: the command ended with 1: no such model"
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("no-such-program {portrait} {audio} {out}", "starts 'no-such-program', which is no program here"),
        ("", "the command `` starts '', which is no program here"),
        ("python '{portrait} {audio} {out}", "cannot be split into words: No closing quotation"),
    ],
)
def test_a_command_that_cannot_be_started_is_refused_before_anything_is_made(tmp_path, template, words):
    with pytest.raises(InputError, match=words):
        Command(template, 1, tmp_path, None)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until, f"{path} was not written"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.slow
def test_a_job_that_is_stopped_takes_its_command_along_and_goes_on_with_the_clip_at_which_it_was(tiny, made, tmp_path):
    child = f"{sys.executable} -c 'import time; time.sleep(60)'"
    behaviour = f"import subprocess\nif started == 1:\n    child = subprocess.Popen({shlex.split(child)!r})\n"
    behaviour += f"    pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid)), child.wait()"
    arguments = command(tiny, tmp_path, "--command", script(tmp_path, made, behaviour))
    job = subprocess.Popen([sys.executable, "-m", "tavce", *arguments], stderr=subprocess.PIPE)
    wait_for(tmp_path / "pid")
    time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=30)
    assert job.returncode == 128 + signal.SIGTERM
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert not (tmp_path / "out/theirs.jsonl").exists()
    assert main(arguments) == 0
    assert gathered(tmp_path) == ["d0.mp4", "e0.mp4"]
    assert calls(tmp_path) == 3
