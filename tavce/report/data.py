"""Data that the page loads on demand: a script for every key, as a page opened from disk may not fetch.

Writes  FOLDER/data/KEY.js: `tavceData("KEY", JSON.parse("VALUE"));`, which static/loading.js asks for; browsers read
        long columns several times faster so than as part of the script
"""

import json
from pathlib import Path


def write_data(folder: Path, key: str, value: object) -> None:
    """Write a JSON value as the script of its key below `folder`/data; a `/` in the key is a folder.

    Raises:
        ValueError: a number is not finite.
    """
    path = folder / "data" / f"{key}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    key, text = (json.dumps(words, ensure_ascii=False) for words in (key, text))
    path.write_text(f"tavceData({key}, JSON.parse({text}));\n", encoding="utf-8")
