"""What the report page says of the correlation metric: does it listen? Read from the run.json files of `listen`.

Every function returns plain values for the template.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tavce.files import read_json
from tavce.records import InputError
from tavce.report.sections import NO_BREAK, Grid

Listened = dict[str, Any]  # a run.json of `listen`
MEASURES = {
    "auc_audio": "AUC of a moment's own sound against another moment's, for the same faces. This is listening; "
    "0.5: it is deaf",
    "auc_clip": "the same against another clip's sound",
    "auc_time": "AUC of near frames against far ones (the paper's negatives); proves nothing alone: pixels tell these",
    "auc_time_shuffled": "the same with another clip's sound: as high as auc_time, the sound is not used",
    "auc_time_pixels": "the same from the change of the mouth's pixels alone, without learning",
    "auc_matched": "near frames against far ones that differ as much in their pixels",
    "auc_matched_shuffled": "the same with another clip's sound",
    "auc_matched_pixels": "the same from the pixels alone: 0.5 by design",
    "matched": "share of pairs that have such a far frame",
    "health": "mean cos² of two unrelated changes of the voice, 0 to 1; near 1: voices have one direction only",
    "still": "share of pairs between whose frames the face does not change at all",
    "offset_exact": "clips whose best lag of −15 to 15 frames is 0",
    "offset_within_1": "clips whose best lag is at most 1 frame",
    "offset_clips": "clips asked",
}
CUES = {
    "one_direction": "its own similarity with one fixed direction in place of the voice; near 1: the voice is ignored",
    "auc_time_one_direction": "AUC of near frames against far ones from that alone",
    "frames_apart": "frames between the two moments",
    "pixels": "change of the mouth's pixels",
    "opening": "change of the mouth's opening",
    "mouth_place": "movement of the mouth in the crop",
    "sound": "change of the sound's mel",
}
GRID = {
    "spacing": "Δ",
    "distance": "τ",
    "auc_audio": "auc_audio",
    "auc_time": "auc_time",
    "auc_time_shuffled": "auc_time_shuffled",
    "auc_time_pixels": "auc_time_pixels",
}


def read_listened(paths: Iterable[str | Path]) -> list[Listened]:
    """Return the run.json of every path.

    Raises:
        InputError: a file is no run.json of `listen`.
    """
    found = []
    for path in paths:
        run = read_json(path)
        if not isinstance(run, dict) or not {"name", "metrics", "listening"} <= run.keys():
            raise InputError(f"{path} is no run.json of listen: it needs name, metrics and listening")
        found.append(run)
    return found


def warnings(listened: Iterable[Listened]) -> list[str]:
    """Return a sentence for every metric that does not listen, but for those whose gate is off."""
    verdicts = [run["listening"]["verdict"] for run in listened]
    return [verdict["words"] for verdict in verdicts if verdict["deaf"] and verdict["gate"] != "off"]


def measures(listened: Sequence[Listened]) -> Grid:
    """Return what every recipe hears: measure × recipe, with 95 % intervals."""
    return _by_recipe("Measure", MEASURES, listened, _measure)


def cues(listened: Sequence[Listened]) -> Grid:
    """Return what every recipe's similarity follows: cue × recipe."""
    return _by_recipe("Cue", CUES, listened, lambda run, name: _number(run["listening"]["cues"].get(name)))


def grid(run: Listened) -> Grid:
    """Return what one recipe tells apart at other spacings and distances."""
    lines = [[_number(row[name]) for name in GRID] for row in run["listening"]["grid"]]
    return Grid([*GRID.values()], lines)


def asked(run: Listened) -> str:
    """Return whom one recipe was asked about."""
    said = run["listening"]
    short = f"; {len(said['too_short'])} were too short" if said["too_short"] else ""
    return f"{said['clips']} clips of {said['speakers']} speakers of the {said['split']} split{short}"


def delays(run: Listened) -> str:
    """Return the curve of the figure in words."""
    curve = run["listening"]["auc_by_delay"]
    return ", ".join(f"{delay}: {value:.2f}" for delay, value in curve.items())


def _by_recipe(heading: str, names: dict[str, str], listened: Sequence[Listened], cell: Any) -> Grid:
    lines = [[name, *(cell(run, name) for run in listened), words] for name, words in names.items()]
    return Grid([heading, *(run["name"] for run in listened), "What it is"], lines)


def _measure(run: Listened, name: str) -> str:
    interval = run["listening"]["intervals"].get(name)
    text = _number(run["metrics"].get(name))
    return f"{text} ({interval[0]:.2f} to {interval[1]:.2f})".replace(" ", NO_BREAK) if interval else text


def _number(value: float | None) -> str:
    """Return a number as the page shows it."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
