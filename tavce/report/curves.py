"""Draw what a training run logged as small SVG line charts.

Reads   lines {"step": n, name: number, …}; `val_NAME` is NAME on the validation split and shares its chart
Writes  charts/NUMBER.svg, beside the page: many runs would make the page itself too large
"""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tavce.records import InputError

VALIDATION = "val_"
WIDTH, HEIGHT = 300, 150
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 10, 20  # margins, px
POINTS = 200  # of a line; longer histories are averaged in equal groups of lines

STYLE = """<style>
text { fill: #5c5851; font: 11px system-ui, sans-serif; } path, polyline { fill: none; } .axis { stroke: #c9c3b8; }
.training { stroke: #1d4ed8; stroke-width: 1.5; }
.validation { stroke: #9a3412; stroke-width: 2.5; stroke-dasharray: 6 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #aaa59b; } .axis { stroke: #55514a; } .training { stroke: #7cb0ff; } .validation { stroke: #fb923c; }
}
</style>"""

Line = list[tuple[float, float]]  # step, value


@dataclass(frozen=True)
class Chart:
    """One quantity of a run: the SVG, and what it shows in words."""

    name: str
    svg: str
    words: str


def read_history(path: Path) -> list[dict[str, float]]:
    """Return the lines a training run logged.

    Raises:
        InputError: a line is not a JSON object with a step.
    """
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}, line {number} is not JSON: {error}") from error
        if not isinstance(line, dict) or "step" not in line:
            raise InputError(f"{path}, line {number} has no step")
        lines.append(line)
    return lines


def charts(history: Iterable[dict[str, float]]) -> list[Chart]:
    """Return a chart for every quantity that has at least two points; values that are null are left out."""
    quantities: dict[str, dict[str, Line]] = defaultdict(lambda: defaultdict(list))
    for line in history:
        for key, value in line.items():
            if key != "step" and value is not None and math.isfinite(value):
                part = "validation" if key.startswith(VALIDATION) else "training"
                quantities[key.removeprefix(VALIDATION)][part].append((line["step"], value))
    return [_chart(name, lines) for name, lines in quantities.items() if max(map(len, lines.values())) > 1]


def write_charts(folder: Path, curves: Mapping[str, list[Chart]]) -> dict[str, dict[str, Chart]]:
    """Write every chart below `folder`/charts; return them by run and by their path in `folder`."""
    files: dict[str, dict[str, Chart]] = {}
    numbers = itertools.count(1)
    for run, drawings in curves.items():
        (folder / "charts").mkdir(exist_ok=True)
        files[run] = {f"charts/{next(numbers)}.svg": chart for chart in drawings}
        for path, chart in files[run].items():
            opening, _, rest = chart.svg.partition(">")
            svg = opening.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
            (folder / path).write_text(f"{svg}>{STYLE}{rest}\n", encoding="utf-8")
    return files


def thin(line: Line, points: int = POINTS) -> Line:
    """Return at most `points` points: means over equal groups of neighbours."""
    size = math.ceil(len(line) / points)
    groups = [line[start : start + size] for start in range(0, len(line), size)]
    return [tuple(math.fsum(axis) / len(group) for axis in zip(*group, strict=True)) for group in groups]


def _chart(name: str, lines: dict[str, Line]) -> Chart:
    last = "; ".join(f"{part}: {line[-1][1]:.4g} at step {line[-1][0]:.0f}" for part, line in lines.items())
    thinned = {part: thin(line) for part, line in lines.items()}
    steps, values = zip(*(point for line in thinned.values() for point in line), strict=True)
    window = (min(steps), max(steps), min(values), max(values))
    marks = "".join(_polyline(part, line, window) for part, line in thinned.items())
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(f"{name}: {last}")}">'
        f"{_frame(window)}{marks}</svg>"
    )
    return Chart(name, svg, last)


def _frame(window: tuple[float, float, float, float]) -> str:
    first, final, low, high = window
    floor = HEIGHT - BOTTOM
    return (
        f'<path class="axis" d="M{LEFT} {TOP}V{floor}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{LEFT - 4}" y="{floor}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 5}">{first:.0f}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 5}" text-anchor="end">step {final:.0f}</text>'
    )


def _polyline(part: str, line: Line, window: tuple[float, float, float, float]) -> str:
    first, final, low, high = window
    points = []
    for step, value in line:
        across = LEFT + (step - first) / ((final - first) or 1) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - (value - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)
        points.append(f"{across:.1f},{down:.1f}")
    return f'<polyline class="{part}" points="{" ".join(points)}"/>'
