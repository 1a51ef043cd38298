"""The folder of downloaded videos: how a video's file is named, which are whole, and which were removed on purpose.

Names   {video_id}.{suffix}, percent-encoded, dots as well: yt-dlp's unfinished files have one more dot in their names
        (`.mp4.part`, `.f137.mp4`, `.temp.mp4`), and only a whole one is renamed to a name with one
Marks   .cleared/{shard}.json: what `clear_raw` removed after the shard was trimmed
"""

import glob
import os
from pathlib import Path
from urllib.parse import quote

from tavce.files import digest, read_json, write_json, write_text
from tavce.records import ClipError, InputError

LONGEST_NAME = 180  # of a download, bytes; yt-dlp adds to it while it works
UNFINISHED = (".part", ".ytdl", ".temp")
CLEARED = ".cleared"


def stem(video_id: str) -> str:
    """Return a download's name without suffix, short enough for every file system."""
    return _shortened(quote(video_id, safe="").replace(".", "%2E"), video_id)


def _stem_with_dots(video_id: str) -> str:
    """Return the name that downloads had before there was a journal."""
    return _shortened(quote(video_id, safe=""), video_id)


def _shortened(name: str, video_id: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{digest(video_id)}"


class Raw:
    """The folder, as it was when this job began: it is listed once, for it may hold 100,000 files."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        names = sorted(os.listdir(folder)) if self.folder.is_dir() else []
        whole = [Path(name) for name in names if not name.endswith(UNFINISHED)]
        self._whole = {path.stem: path.name for path in reversed(whole)}
        self._begun = {name.partition(".")[0] for name in names if name.count(".") > 1}

    def found(self, video_id: str) -> Path | None:
        """Return the whole download of an earlier run."""
        name = self._whole.get(stem(video_id)) or self._whole.get(_stem_with_dots(video_id))
        return self.folder / name if name and (self.folder / name).is_file() else None

    def base(self, video_id: str) -> Path:
        """Return where a video goes, without suffix."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / stem(video_id)

    def begun_bytes(self, video_id: str) -> int:
        """Return how much an earlier run left of a video that is not whole."""
        return self.unfinished_bytes(video_id) if stem(video_id) in self._begun else 0

    def unfinished_bytes(self, video_id: str) -> int:
        """Return how much there is of a video that is not whole; looks through the folder."""
        return sum(path.stat().st_size for path in self._parts(video_id))

    def forget(self, video_id: str) -> None:
        """Remove what there is of a video that is not whole."""
        for path in self._parts(video_id):
            path.unlink(missing_ok=True)

    def _parts(self, video_id: str) -> list[Path]:
        paths = self.folder.glob(f"{glob.escape(stem(video_id))}.*")
        return [path for path in paths if path.name.count(".") > 1]


def set_aside(path: Path, quarantine: Path, error: ClipError) -> None:
    """Move a download that is no video to quarantine, with a note."""
    quarantine.mkdir(parents=True, exist_ok=True)
    os.replace(path, quarantine / path.name)
    write_text(quarantine / f"{path.name}.txt", f"{error}\n")


def mark_cleared(folder: Path, dataset: str, shard: str, names: list[str]) -> None:
    """Note which files of the folder are removed because their shard is trimmed: before they are."""
    write_json(folder / CLEARED / f"{shard}.json", {"dataset": dataset, "shard": shard, "files": sorted(names)})


def refuse_cleared(path: str | Path) -> None:
    """Say what to do where a video is missing because `clear_raw` removed it.

    Raises:
        InputError: it did; names the shard whose videos are to be fetched again.
    """
    path = Path(path)
    if path.exists():
        return
    for mark in sorted((path.parent / CLEARED).glob("*.json")):
        said = read_json(mark)
        if path.name in said["files"]:
            records = f"results/{said['dataset']}/download/{said['shard']}.jsonl"
            raise InputError(
                f"{path} was removed when shard {said['shard']} of {said['dataset']} was trimmed (download.keep_raw is "
                f"false): fetch its videos again with `--forcerun {records}` at the end of the command"
            )
