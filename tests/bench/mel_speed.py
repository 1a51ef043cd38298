"""How long the mel of an hour of sound takes on one core."""

import statistics
from collections.abc import Iterator

from tavce.data.mel import log_mel
from tests.bench.measurement import Measurement, core_seconds, seconds
from tests.bench.talking_clip import speech, speech_seconds

REPEATS = 9
HOUR_S = 3600


def measure() -> Iterator[Measurement]:
    """Yield core seconds for an hour cut into clips of about ten seconds."""
    wave = speech()
    log_mel(wave)
    times = [seconds(lambda: log_mel(wave), core_seconds) for _ in range(REPEATS)]
    hour = statistics.median(times) * HOUR_S / speech_seconds(wave)
    yield Measurement("mel", hour, "core seconds per hour of sound")
