"""Metrics measured on clips whose answer is known, and whether they gave it.

A check without an answer (weights are missing, no clip has a number) is neither passed nor failed: it says why.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tavce.evaluate.frechet import frechet_distance
from tavce.faces.lips import SAMPLES_PER_FRAME
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Group
from tavce.measure.measurements import Measurements
from tavce.measure.metrics import METRIC
from tavce.measure.spoil import STRENGTHS, spoil
from tavce.selftest.expectations import ASKED, IDEALS, INFINITE, LARGEST, SHIFTS, SPOILT, UNKNOWN, Way

SPOILT_FRAMES = 8  # of a clip, evenly spaced: as many networks' passes are enough to see which way a metric goes


@dataclass(frozen=True)
class Check:
    """What one metric was asked, what it gave, and whether that was expected; `passed` is None where `reason` says why.

    values: one a clip, one a strength, or one of all clips together.
    """

    metric: str
    what: str
    expected: str
    values: Sequence[float | None]
    passed: bool | None
    reason: str | None = None

    def line(self) -> dict[str, object]:
        """Return the check as JSON can hold it."""
        values = [None if value is None else float(value) for value in self.values]
        return {**vars(self), "values": values, "identity": METRIC[self.metric].identity}


def check_all(groups: Sequence[Group], clips: Sequence[Clip]) -> list[Check]:
    """Return the checks of every metric of the groups, on clips that are each their own reference."""
    names = [name for group in groups for name in group.metrics]
    asked = [group for group in groups if {*group.metrics} & ASKED]
    plain = [measured(asked, clip) for clip in clips]
    holding = [group for group in groups if any(name in IDEALS and IDEALS[name].held for name in group.metrics)]
    held = [measured(holding, hold_first(clip)) for clip in clips] if holding else plain
    checks = [*itself(names, plain, held), *shifted(asked, clips, plain), *spoilt(asked, clips)]
    checks += [Check(name, "nothing", "", [], None, UNKNOWN) for name in names if name not in ASKED]
    return sorted(checks, key=lambda check: names.index(check.metric))


def measured(groups: Sequence[Group], clip: Clip) -> Measurements:
    """Return what the groups measure of a clip."""
    whole = Measurements()
    for group in groups:
        group.measure(clip, whole)
    return whole


def numbers(name: str, measurements: Sequence[Measurements]) -> list[float | None]:
    """Return a metric's number of every clip, or the one of all together where it is pooled; None: it has none."""
    if not METRIC[name].pooled:
        return [of_clip.metrics.get(name) for of_clip in measurements]
    having = [of_clip.features for of_clip in measurements if f"{name}.made" in of_clip.features]
    if not having:
        return [None]
    made, real = (np.concatenate([features[f"{name}.{which}"] for features in having]) for which in ("made", "real"))
    return [frechet_distance(made, real)]


def hold_first(clip: Clip) -> Clip:
    """Return a clip whose every generated frame is its first real one."""
    held = replace(clip, frames=[clip.reference[0]] * len(clip.reference))
    held.reference_landmarks = clip.reference_landmarks
    held.landmarks = np.repeat(clip.reference_landmarks[:1], len(clip.reference), axis=0)  # the frames are the same
    return held


def itself(names: Sequence[str], plain: Sequence[Measurements], held: Sequence[Measurements]) -> Iterator[Check]:
    """Yield whether clips beside themselves have the ideal value."""
    for name in names:
        what = "a clip beside itself"
        if name in INFINITE:
            reasons = [of_clip.reasons.get(name, "") for of_clip in plain]
            infinite = all(INFINITE[name] in reason for reason in reasons)
            yield Check(name, what, "∞: no number, and that reason", numbers(name, plain), infinite)
        elif name in IDEALS:
            ideal = IDEALS[name]
            given = held if ideal.held else plain
            what = "the first frame, held" if ideal.held else what
            values = numbers(name, given)
            known = [value for value in values if value is not None]
            expected = f"{ideal.value:g} ± {ideal.within:g}"
            right = all(abs(value - ideal.value) <= ideal.within for value in known)
            yield Check(name, what, expected, values, right if known else None, None if known else _why(name, given))


def shifted(groups: Sequence[Group], clips: Sequence[Clip], plain: Sequence[Measurements]) -> Iterator[Check]:
    """Yield whether sound that is early by so many frames moves the offset by as many, in most clips."""
    asking = [group for group in groups if {*group.metrics} & {*LARGEST}]
    for shift in SHIFTS if asking else ():
        moved = [measured(asking, with_early_sound(clip, shift)) for clip in clips]
        for name in (name for group in asking for name in group.metrics if name in LARGEST):
            largest = LARGEST[name] or clips[0].settings.max_lag_frames
            pairs = zip(numbers(name, plain), numbers(name, moved), strict=True)
            moves = [None if _is_untold(*pair, shift, largest) else pair[1] - pair[0] for pair in pairs]
            known = [move for move in moves if move is not None]
            right = sum(move == shift for move in known) * 2 > len(known)
            reason = (
                None if known else _why(name, [*plain, *moved], f"no clip's offset can move so far within {largest}")
            )
            what = f"the sound {abs(shift)} frames {'early' if shift > 0 else 'late'}"
            yield Check(name, what, f"{shift:+d} in most clips", moves, right if known else None, reason)


def _is_untold(before: float | None, after: float | None, shift: int, largest: int) -> bool:
    """Return whether a clip cannot tell how far its offset moves: it has none, or moves beyond those looked for."""
    return before is None or after is None or abs(before + shift) > largest


def with_early_sound(clip: Clip, shift: int) -> Clip:
    """Return a clip whose frame t has the sound of frame t + `shift`; what is lost at one end comes in at the other."""
    sound = clip.sound
    if sound.wave is not None:
        whole = len(sound.wave) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
        sound = Sound(np.roll(sound.wave[:whole], -shift * SAMPLES_PER_FRAME))
    moved = replace(clip, sound=sound)
    moved.landmarks = clip.landmarks  # they take longest, and the frames are the same
    return moved


def spoilt(groups: Sequence[Group], clips: Sequence[Clip]) -> Iterator[Check]:
    """Yield whether metrics go the expected way as frames are spoilt more, in the mean over clips."""
    asking = [group for group in groups if {*group.metrics} & SPOILT.keys()]
    if not asking:
        return
    unspoilt = [measured(asking, some_frames(clip)) for clip in clips]
    for how, strengths in STRENGTHS.items():
        series = [unspoilt] + [
            [measured(asking, some_frames(clip, how, strength)) for clip in clips] for strength in strengths
        ]
        for name in (name for group in asking for name in group.metrics if name in SPOILT):
            yield _ordered(name, how, SPOILT[name], series)


def some_frames(clip: Clip, how: str | None = None, strength: float = 0) -> Clip:
    """Return a clip of some evenly spaced frames, spoilt beside the reference's."""
    wanted = np.unique(np.linspace(0, len(clip.reference) - 1, SPOILT_FRAMES).round().astype(int))
    real = [clip.reference[index] for index in wanted]
    made = real if how is None else [spoil(frame, how, strength) for frame in real]
    return replace(clip, frames=made, reference=real)


def _ordered(name: str, how: str, ways: Mapping[str, Way], series: Sequence[Sequence[Measurements]]) -> Check:
    """Return whether a metric's means over clips are in order, without unspoilt frames where these have no number."""
    what = f"{how} {', '.join(f'{strength:g}' for strength in STRENGTHS[how])}"
    if how not in ways:
        return Check(name, what, "", [], None, "it goes either way")
    table = [numbers(name, measurements) for measurements in series]
    table = table if None not in table[0] else table[1:]
    clips = [values for values in zip(*table, strict=True) if None not in values]
    if not clips:
        return Check(name, what, ways[how], [], None, _why(name, [*itertools.chain(*series[1:])]))
    means = np.mean(clips, axis=0)
    steps = np.diff(means) if ways[how] == "rises" else -np.diff(means)
    return Check(name, what, ways[how], [*means], bool((steps >= 0).all() and steps.sum() > 0))


def _why(name: str, measurements: Sequence[Measurements], otherwise: str = "no clip has a number") -> str:
    """Return why no clip has a number: the first reason, else the one given."""
    return next((of_clip.reasons[name] for of_clip in measurements if name in of_clip.reasons), otherwise)
