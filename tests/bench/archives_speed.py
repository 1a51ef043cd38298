"""How fast archives are verified and unpacked: small files, for VoxCeleb2 and LRW have a million each.

On a disk in memory where there is one: another takes 1,000 or 20,000 new files a second, as it is busy or not.
"""

import io
import os
import random
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tavce.archives.contents import opened
from tavce.archives.parts import md5
from tavce.archives.table import Archive
from tavce.archives.unpack import State, unpack
from tests.bench.measurement import Measurement, seconds

MEMORY = Path("/dev/shm")
FILES = 20_000
FILE_BYTES = 4000
PARTS = 4
HASHED_BYTES = 2**28
ENTRY = {"corpus": "Toy", "folder": "toy", "holds": "", "licence": "", "access": ""}


def measure() -> Iterator[Measurement]:
    """Yield files a second out of a zip and a tar in parts, and the rate of the MD5."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        for kind, pack in (("zip", _zip), ("tar", _tar)):
            parts = _split(pack(), folder / kind)
            archive = Archive(kind=kind, parts=dict.fromkeys(part.name for part in parts), **ENTRY)
            with opened(kind, archive, parts) as contents:
                state = State(folder / f"{kind}.json", kind)
                began = time.perf_counter()
                unpack(contents, folder / f"{kind}.out", state)
                taken = time.perf_counter() - began
            yield Measurement(f"unpack {kind}", FILES / taken, "files of 4 kB a second", at_least=3000)
        (folder / "large").write_bytes(os.urandom(HASHED_BYTES))
        taken = seconds(lambda: md5([folder / "large"], "large"))
        yield Measurement("md5", HASHED_BYTES / 1e6 / taken, "MB a second, of a file in memory")


def _members() -> Iterator[tuple[str, bytes]]:
    content = random.Random(0).randbytes(FILE_BYTES + FILES)
    for number in range(FILES):
        yield f"mp4/id{number // 200:05d}/{number // 10:011d}/{number % 10:05d}.mp4", content[number:][:FILE_BYTES]


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _members():
            archive.writestr(name, content)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in _members():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _split(content: bytes, stem: Path) -> list[Path]:
    step = -(-len(content) // PARTS)
    parts = [stem.with_name(f"{stem.name}_part{number}") for number in range(PARTS)]
    for number, part in enumerate(parts):
        part.write_bytes(content[number * step : (number + 1) * step])
    return parts
