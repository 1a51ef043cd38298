"""What was measured of a clip, kept by what it was measured from: a job run again measures only what is new.

Writes  FOLDER/CLIP_ID.npz: `said`, JSON: group → key, metrics, reasons; and the groups' arrays. A file is written whole
        or not at all; one that cannot be read counts as none
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce.files import whole
from tavce.measure.measurements import Measurements

SAID = "said"
KINDS = ("curves", "features")


@dataclass(frozen=True)
class Kept:
    """The measurements of a method's clips in a folder."""

    folder: Path

    def load(self, clip_id: str, keys: Mapping[str, str]) -> dict[str, Measurements]:
        """Return what is kept of a clip by group, of the groups whose key is the one given."""
        try:
            with np.load(self._path(clip_id)) as file:
                arrays = {name: file[name] for name in file.files}
            said = json.loads(str(arrays.pop(SAID)))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}
        return {
            group: Measurements(part["metrics"], part["reasons"], *(_of(arrays, f"{group}/{kind}/") for kind in KINDS))
            for group, part in said.items()
            if keys.get(group) == part["key"]
        }

    def save(self, clip_id: str, keys: Mapping[str, str], parts: Mapping[str, Measurements]) -> None:
        """Keep what was measured of a clip, in place of what was kept before."""
        said = {
            group: {"key": keys[group], "metrics": part.metrics, "reasons": part.reasons}
            for group, part in parts.items()
        }
        arrays = {
            f"{group}/{kind}/{name}": values
            for group, part in parts.items()
            for kind in KINDS
            for name, values in getattr(part, kind).items()
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole(self._path(clip_id)) as path, open(path, "wb") as file:
            np.savez_compressed(file, **{SAID: np.array(json.dumps(said))}, **arrays)

    def _path(self, clip_id: str) -> Path:
        return self.folder / f"{clip_id}.npz"


def _of(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
