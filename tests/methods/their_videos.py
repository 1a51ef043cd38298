"""The stage `gather` on the corpus in miniature: its command line, the user's folder, and what came out."""

from pathlib import Path

from tiny_corpus import TinyCorpus, tiny_settings

from tavce.records import ClipRecord, read_records


def command(tiny: TinyCorpus, folder: Path, *source: str) -> list[str]:
    arguments = ["gather", "--settings", tiny_settings().sections("gather"), "--method", "theirs", "--dataset", "tiny"]
    arguments += ["--index", tiny.index, "--fates", tiny.fates, *source]
    return [*arguments, "--videos", str(folder / "out/theirs"), "--records", str(folder / "out/theirs.jsonl")]


def place(folder: Path, **videos: Path) -> Path:
    """Copy videos into the user's folder, by name; `__` in a name is a folder."""
    for name, path in videos.items():
        target = (folder / "videos" / name.replace("__", "/")).with_suffix(path.suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder / "videos"


def records_of(folder: Path) -> dict[str, ClipRecord]:
    return {record.clip_id: record for record in read_records(folder / "out/theirs.jsonl")}


def gathered(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out/theirs").iterdir())
