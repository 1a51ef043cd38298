"""The forms in which a table is written: the ending of a file's name says which."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tavce.files import write_text
from tavce.records import InputError


def write_forms(paths: Sequence[str], makers: Mapping[str, Callable[[], str]]) -> None:
    """Write a table to every path, each whole or not at all.

    Args:
        paths: where to.
        makers: what makes the text, by the ending of the path.

    Raises:
        InputError: there is no form of a path's ending.
    """
    for path in paths:
        if Path(path).suffix not in makers:
            raise InputError(f"{path}: a table is written as {', '.join(makers)}: choose one of these endings")
    for path in paths:
        write_text(path, makers[Path(path).suffix]())
