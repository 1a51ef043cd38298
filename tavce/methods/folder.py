"""Another method's videos in a folder of the user's: which is of which test clip.

They lie in DIR/DATASET where there is such a folder, else in DIR, and are named by the clip's id. Nothing is written.
"""

import difflib
import logging
from collections.abc import Collection
from pathlib import Path

from tavce.files import digest
from tavce.records import InputError

log = logging.getLogger(__name__)

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
SHOWN = 3  # names in a message


def place(folder: str | Path, dataset: str) -> Path:
    """Return where the videos of a dataset lie."""
    own = Path(folder) / dataset
    return own if own.is_dir() else Path(folder)


def videos_in(folder: str | Path, dataset: str) -> list[Path]:
    """Return the video files of a dataset by name; none where there is no folder."""
    where = place(folder, dataset)
    files = (path for path in where.iterdir() if path.is_file()) if where.is_dir() else ()
    return sorted(path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))


def listing(folder: str | Path, dataset: str) -> str:
    """Return what changes when a video of a dataset is added, removed or written anew, of names, sizes and times."""
    found = [(path, path.stat()) for path in videos_in(folder, dataset)]
    return f"{len(found)} videos {digest([[str(path), state.st_size, state.st_mtime_ns] for path, state in found])}"


def match(folder: str | Path, dataset: str, clip_ids: Collection[str]) -> dict[str, Path]:
    """Return clip id → its video, for the test clips that have one; warn of videos that are of none.

    Raises:
        InputError: the folder is not there or holds no video, no video is of a test clip, or two are of the same.
    """
    where = place(folder, dataset)
    if not where.is_dir():
        raise InputError(f"{where} is not there: correct the folder of the videos")
    files = videos_in(folder, dataset)
    if not files:
        raise InputError(f"{where} has no video ({' '.join(SUFFIXES)}): put CLIP_ID.mp4 of every test clip there")
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found and path.stem in clip_ids:
            raise InputError(f"{found[path.stem]} and {path} are of the same clip: leave one of them")
        found[path.stem] = path
    matched = {clip_id: path for clip_id, path in found.items() if clip_id in clip_ids}
    strays = [path for clip_id, path in found.items() if clip_id not in clip_ids]
    if clip_ids and not matched:
        raise InputError(
            f"no video of {where} is named by a test clip of {dataset}: "
            f"found {_some([path.name for path in strays])}; "
            f"wanted {_some([f'{clip_id}.mp4' for clip_id in clip_ids])}"
        )
    if strays:
        shown = ", ".join(f"{path.name}{_nearest(path.stem, clip_ids)}" for path in strays[:SHOWN])
        log.warning("%d of %d videos in %s are named by no test clip: %s", len(strays), len(files), where, shown)
    return matched


def _nearest(name: str, clip_ids: Collection[str]) -> str:
    inside = [max((clip_id for clip_id in clip_ids if clip_id in name), key=len, default=None)]
    near = [*filter(None, inside), *difflib.get_close_matches(name, clip_ids, n=1)]
    return f" (is it {near[0]}?)" if near else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
