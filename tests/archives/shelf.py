"""A folder with archives in parts, a table that knows them, and the command run on it."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tavce.cli import main
from tavce.files import read_json

FILES = {  # of a corpus in miniature; the first is larger than what is read at once
    "mp4/id00012/_raOc3-IRsw/00110.mp4": bytes(range(256)) * 5000,
    "mp4/id00012/_raOc3-IRsw/00111.mp4": b"second" * 99,
    "mp4/id00012/_raoc3-IRsw/00110.mp4": b"another video: only the case of one letter differs",
    "mp4/id00015/0fijmz4vTVU/00001.mp4": b"",
}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """Return a tar of files, and of others without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in others:
            archive.addfile(member)
    return buffer.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@dataclass
class Shelf:
    """Archives in `root`/source, and their table."""

    root: Path
    entries: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source.mkdir(parents=True)

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def put(self, name: str, content: bytes, parts: int = 1, **entry: object) -> list[Path]:
        """Place an archive in as many parts, and have the table know them with their sums; return the parts."""
        step = -(-len(content) // parts)
        pieces = {f"{name}_parta{'abcdefgh'[i]}": content[i * step : (i + 1) * step] for i in range(parts)}
        for file, piece in pieces.items():
            (self.source / file).write_bytes(piece)
        self.entries[name] = {
            "corpus": "Toy",
            "kind": "zip" if content.startswith(b"PK") else "tar",
            "parts": {file: md5(piece) for file, piece in pieces.items()},
            "folder": f"{name}/dev",
            "holds": "toys",
            "licence": "CC0",
            "access": "toys@example.org",
            **entry,
        }
        return [self.source / file for file in pieces]

    @property
    def table(self) -> Path:
        path = self.root / "table.yaml"
        path.write_text(yaml.safe_dump(self.entries, sort_keys=False), encoding="utf-8")
        return path

    def command(self, *more: str) -> list[str]:
        return ["archives", "--source", str(self.source), "--out", str(self.out), "--table", str(self.table), *more]

    def run(self, *more: str) -> int:
        """Run the command, and return its exit status."""
        return main(self.command(*more))

    def unpacked(self, name: str) -> dict[str, bytes]:
        """Return the files that were unpacked of an archive."""
        return below(self.out / name / "dev")

    def notes(self) -> dict[str, dict[str, object]]:
        return read_json(self.out / "archives.json")


def below(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
