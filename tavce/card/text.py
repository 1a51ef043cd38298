"""A dataset card as Markdown, from the values of its JSON."""

from collections.abc import Mapping
from typing import Any

import jinja2

NOT_KNOWN = "–"


def render(card: Mapping[str, Any]) -> str:
    """Return the card's text."""
    loader = jinja2.PackageLoader("tavce.card")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters.update(say=_say, percent=_percent)
    return environment.get_template("card.md").render(card)


def _say(value: object) -> str:
    return NOT_KNOWN if value is None else str(value)


def _percent(share: float | None) -> str:
    return NOT_KNOWN if share is None else f"{share:.1%}"
