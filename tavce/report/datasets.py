"""What the page shows of the cards of the datasets: what of each corpus exists, what was kept, and how it was made."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tavce.files import read_json
from tavce.records import InputError
from tavce.report.sections import Grid

Card = dict[str, Any]
NEEDED = {"dataset", "made", "annotated", "totals", "kept", "dropped", "quantiles", "survival", "splits", "licences"}


def read_cards(paths: Iterable[str | Path]) -> list[Card]:
    """Return the card in every path.

    Raises:
        InputError: a file is no card.
    """
    cards = []
    for path in paths:
        card = read_json(path)
        if not isinstance(card, dict) or (lacking := sorted(NEEDED - card.keys())):
            lacks = f": it lacks {', '.join(lacking)}" if isinstance(card, dict) else ""
            raise InputError(f"{path} is no card.json{lacks}; rerun the stage card")
        cards.append(card)
    return cards


def size(card: Card) -> Grid:
    """Return clips, hours, speakers and videos: as annotated, and kept by split."""
    said = card["annotated"]
    lines = [["annotated, usable", *_texts(said[name] for name in ("usable", "hours", "speakers", "videos"))]]
    for split, part in card["kept"].items():
        lines.append([f"kept, {split}", *_texts(part[name] for name in ("clips", "hours", "speakers", "videos"))])
    return Grid(["", "Clips", "Hours", "Speakers", "Videos"], lines)


def survival(card: Card) -> Grid:
    """Return videos and clips by what became of the videos."""
    said = card["survival"]
    lines = [[outcome, str(videos), _text(said["clips"].get(outcome))] for outcome, videos in said["videos"].items()]
    return Grid(["Outcome", "Videos", "Clips"], lines)


def dropped(card: Card) -> Grid:
    """Return dropped clips by stage and reason."""
    lines = [["sheet", reason, str(clips)] for reason, clips in card["annotated"]["unusable"].items()]
    lines += [[stage, why, str(n)] for stage, reasons in card["dropped"].items() for why, n in reasons.items()]
    return Grid(["Stage", "Reason", "Clips"], lines)


def quantiles(card: Card) -> Grid:
    """Return the quantiles of what was measured of kept clips."""
    lines = [[name, *_texts(of[key] for key in ("p5", "p50", "p95"))] for name, of in card["quantiles"].items() if of]
    return Grid(["Kept clips", "5 %", "Median", "95 %"], lines)


def identity(card: Card) -> Grid:
    """Return what identifies the splits, and what the dataset was made with."""
    lines = []
    for split, sums in card["splits"].items():
        lines += [[f"{split}: list", sums["listed"]], [f"{split}: kept clips", sums["kept"]]]
    lines += [[f"licence: {licence}", f"{clips} clips"] for licence, clips in card["licences"].items()]
    lines += [[tool, version] for tool, version in card.get("tools", {}).items()]
    return Grid(["What", "Value (lists: SHA-256)"], lines)


def _texts(values: Iterable[float | None]) -> list[str]:
    return [_text(value) for value in values]


def _text(value: float | None) -> str:
    return "-" if value is None else str(value)
