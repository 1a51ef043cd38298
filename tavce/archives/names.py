"""Names of members that stay below the folder they are unpacked to."""

import re

NAME_BYTES = 255  # of one file or folder, on every common file system
UNSAFE = {
    "has a control character": re.compile(r"[\x00-\x1f\x7f]"),
    "has a backslash": re.compile(r"\\"),
    "is absolute": re.compile(r"^/"),
    "begins with a drive letter": re.compile(r"^[A-Za-z]:"),
    "leads out of its folder": re.compile(r"(^|/)\.\.(/|$)"),
}
ANY = re.compile("|".join(pattern.pattern for pattern in UNSAFE.values()))
ROUNDABOUT = re.compile(r"(^|/)\.?(/|$)")  # `./a`, `a//b`, `a/`


class UnsafeNameError(ValueError):
    """A name that no file may have; says what it does."""


def relative(name: str) -> str:
    """Return a name as a relative path without detours.

    Raises:
        UnsafeNameError: it leads, or on some system could lead, elsewhere, or is the name of no file.
    """
    if ANY.search(name):
        raise UnsafeNameError(next(what for what, pattern in UNSAFE.items() if pattern.search(name)))
    if ROUNDABOUT.search(name):
        name = "/".join(piece for piece in name.split("/") if piece not in ("", "."))
    if not name:
        raise UnsafeNameError("is empty")
    try:
        longest = max(map(len, name.encode().split(b"/")))
    except UnicodeEncodeError as error:
        raise UnsafeNameError("is not UTF-8") from error
    if longest > NAME_BYTES:
        raise UnsafeNameError(f"is longer than {NAME_BYTES} bytes")
    return name
