"""Another method's videos from a command of the user's, one video at a time.

The command is split into words as a shell would, then {portrait}, {audio} and {out} are put in; no shell runs it, so
`bash -c 'cd SadTalker && …'` is for those who need one. It works in the folder in which the pipeline does.
What it has made is kept, and a job that was killed goes on with the clip at which it was.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tavce.dataset import Entry
from tavce.files import digest, sha256, whole
from tavce.methods.given import Given
from tavce.records import ClipError, InputError, Reason


@dataclass(frozen=True)
class Command:
    """Makes the video of a clip.

    template: with {portrait}, {audio} and {out}.
    timeout_s: longest that it may take for one clip.
    made: folder of what it has made; the name of a video has a digest of the command and of what it was given.

    Raises:
        InputError: it cannot be split into words, or its program is not there.
    """

    template: str
    timeout_s: int
    made: Path
    given: Given

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.template)
        except ValueError as error:
            raise InputError(f"the command `{self.template}` cannot be split into words: {error}") from None
        if not words or shutil.which(words[0]) is None:
            program = words[0] if words else ""
            raise InputError(f"the command `{self.template}` starts '{program}', which is no program here")

    @contextlib.contextmanager
    def video(self, entry: Entry) -> Iterator[Path]:
        """Yield the video of a clip, made or made earlier; a new one is kept if the block ends well.

        Raises:
            ClipError: `method_failed` with the exit status and the last line of what the command said.
        """
        with tempfile.TemporaryDirectory(prefix="tavce-method-") as name:
            folder = Path(name)
            portrait, audio = self.given.write(entry, folder)
            key = digest([self.template, sha256(portrait), sha256(audio)])
            kept = self.made / f"{entry.clip_id}.{key}.mp4"
            if kept.is_file():
                yield kept
                return
            out = folder / "out.mp4"
            self._make({"{portrait}": portrait, "{audio}": audio, "{out}": out})
            yield out
            with whole(kept) as part:
                shutil.copyfile(out, part)

    def _make(self, places: dict[str, Path]) -> None:
        words = shlex.split(self.template)
        for mark, path in places.items():
            words = [word.replace(mark, str(path)) for word in words]
        with tempfile.TemporaryFile() as said:
            status = run_bounded(words, self.timeout_s, said)
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
        sys.stderr.write("\n".join(lines))
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        if status is None:
            raise ClipError(Reason.METHOD_FAILED, f"the command took longer than {self.timeout_s} s: {last}")
        if status != 0:
            raise ClipError(Reason.METHOD_FAILED, f"the command ended with {status}: {last}")
        if not places["{out}"].is_file():
            raise ClipError(Reason.METHOD_FAILED, f"the command ended well, but wrote no {{out}}: {last}")


def run_bounded(words: Sequence[str], timeout_s: float, said: BinaryIO) -> int | None:
    """Run a program and return its exit status; None where it took longer.

    All that it started is killed with it: when it ends, when the time is over, and when this process is told to stop
    (SIGTERM becomes an exit, status 143). What it prints goes to this process' stderr, its own stderr into `said`.
    """
    with _stopped_by_sigterm():
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=sys.__stderr__.fileno(), stderr=said, start_new_session=True
        )
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Have SIGTERM raise SystemExit, so that what is in progress is tidied up."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
