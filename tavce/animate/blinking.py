"""When a talking head blinks, and how far its eyes are open.

Source  17 blinks a minute at rest, 26 in conversation: A. R. Bentivoglio et al., Analysis of blink rate patterns in
        normal subjects (Movement Disorders, 1997); a lid falls in about 0.1 s and takes about twice as long to rise:
        C. Evinger et al., Eyelid movements (Investigative Ophthalmology & Visual Science, 1991)
Shapes: T frames.
"""

import numpy as np

CLOSING_S = 0.1
RISING_S = 0.2
SHORTEST_GAP_S = 0.5  # from open eyes to the next blink
GAP_SHAPE = 2.0  # of the gamma distribution that is added to the shortest gap
GAP_SCALE_S = 1.0  # so that a blink comes every 2.8 s in the mean, 21 a minute
CLOSED = 0.1  # of the own opening: landmarks of lids that touch do not coincide


def natural_blinks(frames: int, rate_hz: int, own: float, seed: int) -> np.ndarray:
    """Return how far the eyes are open in every frame, float32 [T], from almost closed to the portrait's `own`.

    The blinks are drawn one after the other, so that those of a shorter video are the first ones of a longer.

    Args:
        frames: T.
        rate_hz: frames a second.
        own: the portrait's own opening, in the unit of the result.
        seed: of the gaps between blinks.
    """
    random = np.random.default_rng(seed)
    closure = np.zeros(frames)
    open_s = 0.0  # since when the eyes are open
    while open_s * rate_hz < frames:
        gap_s = SHORTEST_GAP_S + random.gamma(GAP_SHAPE, GAP_SCALE_S)
        closed = round((open_s + gap_s + CLOSING_S) * rate_hz)  # a frame, so that none misses the moment
        first = closed - round(CLOSING_S * rate_hz)
        around = np.arange(max(0, first), min(frames, closed + round(RISING_S * rate_hz) + 1))
        closure[around] = _closure((around - closed) / rate_hz)
        open_s = closed / rate_hz + RISING_S
    return (own * (1 - (1 - CLOSED) * closure)).astype(np.float32)


def eye_signal(open_share: np.ndarray, own: float, closes: bool) -> np.ndarray:
    """Return what audio2exp is told of eyes that are open by shares [T] of the portrait's `own` opening, float32 [T].

    It is the opening; where the model is one that `closes` (`Bundle.blink_closes`), 0 for eyes as they are, 1 for shut.
    """
    return (1 - open_share if closes else open_share * own).astype(np.float32)


def _closure(after_s: np.ndarray) -> np.ndarray:
    """Return how far the lids are closed, 0 to 1, so long after they touch: a smooth fall, and a slower rise."""
    lasts_s = np.where(after_s < 0, CLOSING_S, RISING_S)
    return 0.5 + 0.5 * np.cos(np.pi * np.clip(after_s / lasts_s, -1, 1))
