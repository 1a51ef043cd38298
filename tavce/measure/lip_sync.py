"""SyncNet's confidence, distance and offset as metrics of a clip.

Its crops are made of the generated video's landmarks (`tavce.faces.sync_crop`). What they need beyond the picture's
edge is grey, for every method alike, so that numbers of tight crops are not those of whole videos.
"""

from typing import ClassVar

from tavce.faces.sync_crop import sync_crops
from tavce.faces.syncnet import WEIGHTS, NotMeasured, SyncScore, open_syncnet
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.landmarks import filled, found
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.published import digest_of, missing

RATE_HZ = 25  # SyncNet knows no other


class SyncGroup:
    """What SyncNet says of lips and sound."""

    name: ClassVar[str] = "syncnet"
    metrics: ClassVar[tuple[str, ...]] = ("lse_c", "lse_d", "sync_offset")
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Load SyncNet, where its weights are.

        Raises:
            InputError: their file is not the published one.
        """
        self._settings, self._rate_hz = setup.settings, setup.window.rate_hz
        self._syncnet = open_syncnet()

    def depends(self) -> object:
        """Return the settings that are read, and the digest of the weights."""
        return [self._settings.min_frames, self._rate_hz, digest_of(WEIGHTS)]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Ask SyncNet; the offset keeps its sign: above 0 the sound is early."""
        score = self._score(clip)
        measured.take("lse_c", lambda: _known(score).confidence)
        measured.take("lse_d", lambda: _known(score).distance)
        measured.take("sync_offset", lambda: _known(score).offset_frames)

    def _score(self, clip: Clip) -> SyncScore | NotMeasured:
        if self._rate_hz != RATE_HZ:
            return NotMeasured(f"SyncNet knows {RATE_HZ} frames a second only, window.rate_hz is {self._rate_hz}")
        if self._syncnet is None:
            return NotMeasured(str(missing(WEIGHTS)))
        try:
            wave = clip.sound.require()
            clip.require_frames(int(found(clip.landmarks).sum()), "landmarks")
        except MeasurementError as error:
            return NotMeasured(str(error))
        return self._syncnet.score(sync_crops(clip.frames, filled(clip.landmarks)), wave)


def _known(score: SyncScore | NotMeasured) -> SyncScore:
    if isinstance(score, NotMeasured):
        raise MeasurementError(score.reason)
    return score
