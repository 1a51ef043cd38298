"""The page as HTML, from what its sections show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from tavce.measure.metrics import ARROWS
from tavce.report import datasets, heard, scores, selftests

STATIC = Path(__file__).with_name("static")


def render(shown: Mapping[str, Any]) -> str:
    """Return index.html; the modules that word a section are known to the templates by their names."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tavce.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"scores": scores, "heard": heard, "cards_of": datasets, "tested": selftests}
    environment.globals |= {"arrows": ARROWS, "several_seeds": scores.several_seeds(shown["tables"])}
    return environment.get_template("index.html").render(shown)
