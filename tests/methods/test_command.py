"""Facts about commands of other methods: what they make is kept, what fails is named, and nothing outlives the job."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from their_videos import command, gathered, records_of

from tavce.cli import main
from tavce.files import sha256
from tavce.methods.command import Command
from tavce.records import InputError, Reason

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
