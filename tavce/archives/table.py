"""Known archives by name: which files they are, what they hold, under which terms.

Reads   workflow/config/archives.yaml, or a table of the user's of the same form
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, StringConstraints, field_validator, model_validator

from tavce.archives.names import UnsafeNameError, relative
from tavce.config.data import Section
from tavce.records import InputError

TABLE = Path(__file__).parents[2] / "workflow/config/archives.yaml"
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00-\x1f]+$")]


class Archive(Section):
    """One published archive."""

    corpus: str
    kind: Literal["zip", "tar"]
    parts: dict[FileName, Md5 | None] = Field(min_length=1, description="its files in order, with their published MD5")
    whole: Md5 | None = Field(None, description="published MD5 of the parts one after another")
    joined: tuple[FileName, ...] = Field((), description="names of the parts joined to one file")
    folder: str = Field(description="where its members go, below the output folder")
    holds: str
    read_in_place: bool = Field(False, description="the corpus' reader takes it as it is")
    licence: str
    access: str = Field(description="where to ask for it")

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        try:
            folder = relative(folder)
        except UnsafeNameError as error:
            raise ValueError(f"a folder that {error}") from error
        if folder.startswith("."):
            raise ValueError("a hidden folder")
        return folder

    @model_validator(mode="after")
    def _one_part_is_whole(self) -> Self:
        if len(self.parts) == 1 and (self.whole or self.joined):
            raise ValueError("one part is the whole: take away `whole` and `joined`")
        return self


def table(path: str | Path) -> dict[str, Archive]:
    """Return the archives that a table knows, by name.

    Raises:
        InputError: there is no such table, it is none, or two of its archives have a file of the same name.
    """
    try:
        entries = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        known = {name: Archive.model_validate(entry) for name, entry in dict(entries).items()}
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"{path} is no table of archives ({error}): see {TABLE}") from error
    homes: dict[str, str] = {}
    for name, archive in known.items():
        for file in (*archive.parts, *archive.joined):
            if homes.setdefault(file, name) != name:
                raise InputError(f"{path}: {file} belongs to {homes[file]} and to {name}: a file's name tells which")
    return known
