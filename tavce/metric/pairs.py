"""What the metric learns from: two moments of a clip, and a mismatch to tell them from.

A draw is a moment i, its partner i + Δ, and a negative: a far frame j of the clip for the same voice (`time`, the
paper's), or another moment's voice for the same two frames (`audio`), or another speaker's (`speaker`).
Shapes: S side of the mouth box in px, W mel steps.
"""

from collections.abc import Sequence

import numpy as np
import torch

from tavce.config.learning import Metric
from tavce.dataset import Clips, Draws, Entry, to_unit
from tavce.records import InputError

OWN_VOICE = ("audio", "both")  # negatives that are another moment's voice of the clip itself


def changes_the_voice(negatives: str) -> bool:
    """Return whether some negatives come with another voice."""
    return negatives != "time"


class PairDraws(Draws):
    """Draws for one recipe: `faces` float32 [3, 3, S, S] in [−1, 1] (now, later, far), `mels` float32 [4, 1, 80, W]
    (now, later, and another moment's two; only the first two where every negative is a far frame), and `far`, whether
    this draw's negative is the far frame."""

    def __init__(self, entries: Sequence[Entry], clips: Clips, recipe: Metric, seed: int):
        super().__init__(entries, clips, seed)
        self._recipe = recipe
        shortest = recipe.distance + max(recipe.spacing + 1, 3)
        for entry in entries:
            if entry.frames < shortest:
                raise InputError(
                    f"clip {entry.clip_id} has {entry.frames} frames, distance {recipe.distance} and spacing "
                    f"{recipe.spacing} need {shortest}: raise trim.min_frames"
                )
        if recipe.negatives == "speaker" and len({entry.speaker for entry in entries}) < 2:
            raise InputError("negatives 'speaker' needs clips of two speakers")

    def sample(self, entry: Entry, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """Return one draw of a clip."""
        recipe = self._recipe
        valid = moments(entry.frames, recipe, recipe.negatives in OWN_VOICE)
        now = int(valid[random.integers(len(valid))])
        later = now + recipe.spacing
        far = far_frame(now, entry.frames, recipe.distance, random)
        faces = self.clips.mouths(entry, (now, later, far), recipe.mouth_px, recipe.input_px)
        mels = self._mels(entry, now, random)
        use_far = recipe.negatives == "time" or (recipe.negatives == "both" and random.random() < 0.5)
        return {
            "faces": to_unit(faces).mul_(2).sub_(1),
            "mels": torch.from_numpy(mels).transpose(1, 2).unsqueeze(1).contiguous(),
            "far": torch.tensor(use_far),
        }

    def _mels(self, entry: Entry, now: int, random: np.random.Generator) -> np.ndarray:
        """Return the mel windows [F, W, 80] of the pair, and of the other voice where there is one."""
        recipe = self._recipe
        pair = (now, now + recipe.spacing)
        if recipe.negatives in OWN_VOICE:
            moment = far_frame(now, entry.frames - recipe.spacing, recipe.distance, random)
            return self.clips.mels(entry, (*pair, moment, moment + recipe.spacing))
        if not changes_the_voice(recipe.negatives):
            return self.clips.mels(entry, pair)
        other = entry
        while other.speaker == entry.speaker:
            other = self.entries[random.integers(len(self.entries))]
        moment = int(random.integers(other.frames - recipe.spacing))
        strange = self.clips.mels(other, (moment, moment + recipe.spacing))
        return np.concatenate([self.clips.mels(entry, pair), strange])


def moments(frames: int, recipe: Metric, own_voice: bool) -> np.ndarray:
    """Return the frames int64 [n] of a clip that have a partner and a far frame.

    With `own_voice` there is a far frame that has a partner too, so that the two are another moment's voice.
    """
    pairs = frames - recipe.spacing
    now = np.arange(pairs)
    return now[(now >= recipe.distance) | (now < (pairs if own_voice else frames) - recipe.distance)]


def far_frame(frame: int, frames: int, distance: int, random: np.random.Generator) -> int:
    """Return a random frame of 0 … frames − 1 that is at least `distance` away.

    Raises:
        ValueError: there is none.
    """
    before, after = max(0, frame - distance + 1), max(0, frames - frame - distance)
    if before + after == 0:
        raise ValueError(f"no frame of {frames} is {distance} away from frame {frame}")
    draw = int(random.integers(before + after))
    return draw if draw < before else frame + distance + draw - before
