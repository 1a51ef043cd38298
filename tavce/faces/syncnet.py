"""Do lips and sound belong together? SyncNet's confidence, distance and offset of one clip.

Reads   the weights `syncnet_v2`, where they are on this machine; nothing is downloaded
Gives   LSE-C, LSE-D and AVOffset as joonson/syncnet_python computes them (SyncNetInstance.evaluate), or a reason
Source  J. S. Chung & A. Zisserman, Out of time (2016); the names LSE-C and LSE-D are Wav2Lip's (2020)
This module imports torch: rooms that do without load it by name, where it is wanted.

Shapes: T frames at 25 Hz, N samples at 16 kHz, W = min(T, N // 640) − 5 windows of five frames, one every frame, each
with 20 MFCC steps; E embedding entries. That the last whole window is left out is the published rule: the steps of
its sound would reach beyond the end.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import torch

from tavce import weights
from tavce.faces.mfcc import SAMPLE_RATE_HZ, mfcc
from tavce.networks.syncnet import EMBEDDING, SIDE_PX, WINDOW_FRAMES, WINDOW_STEPS, SyncNetStreams

WEIGHTS = "syncnet_v2"
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // 25
STEPS_PER_FRAME = 4
MAX_SHIFT = 15  # frames; the published `vshift`
OFFSETS = np.arange(MAX_SHIFT, -MAX_SHIFT - 1, -1)  # frames, in the order of published distances
FEWEST_FRAMES = MAX_SHIFT + 1 + WINDOW_FRAMES  # so that at every shift a window of lips meets one of sound
BATCH = 16  # windows at once


@dataclass(frozen=True)
class SyncScore:
    """How well lips and sound fit.

    confidence: LSE-C, median less smallest of the distances at 31 shifts; 0 or more, higher is better.
    distance: LSE-D, the smallest; 0 or more, lower is better.
    offset_frames: AVOffset, where it lies: video index − audio index; above 0 the audio is early.
    """

    confidence: float
    distance: float
    offset_frames: int


@dataclass(frozen=True)
class NotMeasured:
    """A clip that has no score, and why."""

    reason: str


class SyncNet:
    """Measures clips, one after the other."""

    def __init__(self, streams: SyncNetStreams, device: str):
        """Take networks with their weights in place, and where they shall run."""
        self._streams, self._device = streams.to(device), device

    def score(self, frames: Iterable[np.ndarray], wave: np.ndarray) -> SyncScore | NotMeasured:
        """Return how well the lips of a clip fit its sound.

        Pictures are held a batch at a time; of a whole clip only embeddings are, 8 KB a frame.

        Args:
            frames: uint8 [H, W, 3] RGB, the face framed as `sync_crop` says; other sizes are brought to 224 × 224.
            wave: mono, 16 kHz, starting with the first frame: int16 [N], or float32 [N] in [-1, 1].

        Raises:
            ValueError: the wave has channels.
        """
        if wave.ndim != 1:
            raise ValueError(f"a wave of shape {wave.shape}: give mono [N]")
        heard = len(wave) // SAMPLES_PER_FRAME
        lips = self._lips(islice(frames, heard if heard >= FEWEST_FRAMES else 0))
        windows = len(lips) - 1
        if windows <= MAX_SHIFT:
            return NotMeasured(f"fewer than {FEWEST_FRAMES} frames have both picture and sound")
        return score_of(lips[:windows], self._sound(wave, windows))

    def _lips(self, frames: Iterable[np.ndarray]) -> np.ndarray:
        """Return float32 [max(0, T − 4), E]."""
        embeddings, held = [np.zeros((0, EMBEDDING), np.float32)], []
        for frame in frames:
            held.append(_picture(frame))
            if len(held) == BATCH + WINDOW_FRAMES - 1:
                embeddings.append(self._run_lips(held))
                held = held[BATCH:]
        if len(held) >= WINDOW_FRAMES:
            embeddings.append(self._run_lips(held))
        return np.concatenate(embeddings)

    def _run_lips(self, pictures: list[np.ndarray]) -> np.ndarray:
        clip = torch.from_numpy(np.stack(pictures)).to(self._device).permute(3, 0, 1, 2)[None]
        with torch.inference_mode(), _exact():
            return self._streams.lips(clip.float())[0].cpu().numpy()

    def _sound(self, wave: np.ndarray, windows: int) -> np.ndarray:
        """Return float32 [W, E]."""
        steps = np.lib.stride_tricks.sliding_window_view(mfcc(_samples(wave)).T, WINDOW_STEPS, axis=1)
        inputs = steps[:, ::STEPS_PER_FRAME].swapaxes(0, 1)[:windows, None]
        embeddings = []
        for start in range(0, windows, BATCH):
            batch = torch.from_numpy(inputs[start : start + BATCH].copy()).to(self._device)
            with torch.inference_mode(), _exact():
                embeddings.append(self._streams.sound(batch).cpu().numpy())
        return np.concatenate(embeddings)


def open_syncnet() -> SyncNet | None:
    """Return SyncNet with its published weights, on a GPU where there is one; None where their file is not there.

    Raises:
        InputError: the file is there but is not the published one.
    """
    if not (weights.FOLDER / weights.table()[WEIGHTS].file).is_file():
        return None
    state = torch.load(weights.path_of(WEIGHTS), map_location="cpu", weights_only=True)
    streams = SyncNetStreams()
    streams.load_state_dict(state)
    return SyncNet(streams, "cuda" if torch.cuda.is_available() else "cpu")


def score_of(lips: np.ndarray, sound: np.ndarray) -> SyncScore:
    """Return the score of embeddings [W, E] of lips and [W, E] of sound, W at least one.

    Of equal distances the one nearest to offset 0 counts.
    """
    distances = shift_distances(lips, sound)
    best = np.lexsort((np.abs(OFFSETS), distances))[0]
    least = float(distances[best])
    return SyncScore(float(np.median(distances)) - least, least, int(OFFSETS[best]))


def shift_distances(lips: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Return the mean distance float64 [31] of lips [W, E] from sound [W, E] at every offset in `OFFSETS`.

    At an offset d the lips of window i meet the sound of window i − d. Where there is no such window they meet the
    zero vector, and that counts: the published rule. It makes distances of short clips depend on their length.
    """
    padded = np.pad(sound.astype(np.float64), ((MAX_SHIFT, MAX_SHIFT), (0, 0)))
    total = np.zeros(len(OFFSETS))
    for window, seen in enumerate(lips):
        total += np.linalg.norm(padded[window : window + len(OFFSETS)] - seen, axis=1)
    return total / len(lips)


def _picture(frame: np.ndarray) -> np.ndarray:
    """Return uint8 [224, 224, 3] BGR."""
    if frame.shape[:2] != (SIDE_PX, SIDE_PX):
        interpolation = cv2.INTER_AREA if frame.shape[0] > SIDE_PX else cv2.INTER_CUBIC
        frame = cv2.resize(frame, (SIDE_PX, SIDE_PX), interpolation=interpolation)
    return frame[:, :, ::-1]


def _samples(wave: np.ndarray) -> np.ndarray:
    """Return the wave in the range of 16-bit integers."""
    return wave if wave.dtype == np.int16 else np.clip(np.rint(wave * 32768), -32768, 32767)


def _exact() -> AbstractContextManager[None]:
    """Return a context in which a GPU gives the same numbers every time, at full precision."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
