"""How long every face back-end takes for a frame of 640 × 480 px with one face: one core, and a GPU where there is one.

The networks of face_alignment have random weights: that takes as long as the published ones.
"""

import statistics
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch

from tavce.demo.portrait import load_portrait
from tavce.faces.backend import Backend, Face, MissingWeightsError, open_backend
from tavce.faces.fan import CROP_PX, FAN, FaceAlignment, s3fd
from tests.bench.measurement import Measurement, seconds

WIDTH_PX, HEIGHT_PX = 640, 480
REPEATS = 5
BATCHES = {"cpu": (1, 2), "cuda": (1, 4, 16, 32, 64)}
FRAMES = {"cpu": 2, "cuda": 256}  # frames timed


def measure() -> Iterator[Measurement]:
    """Yield ms a frame of both steps of the back-ends on one core, and frames a second of the networks."""
    picture = load_portrait().picture
    frame = cv2.resize(picture[:384], (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    for name in ("facemesh", "dlib"):
        try:
            back_end = open_backend(name)
        except MissingWeightsError:  # an optional package
            continue
        yield from _steps(name, back_end, frame)
    for device in BATCHES:
        if device == "cpu" or torch.cuda.is_available():
            yield from _networks(device, frame)


def _steps(name: str, back_end: Backend, frame: np.ndarray) -> Iterator[Measurement]:
    face = back_end.detect([frame])[0][0]
    for step, work in (
        ("detect", lambda: back_end.detect([frame])),
        ("landmarks", lambda: back_end.landmarks([frame], [face])),
    ):
        yield Measurement(f"faces {name} {step}", 1000 * _typical(work), "ms per frame of 640x480")


def _networks(device: str, frame: np.ndarray) -> Iterator[Measurement]:
    torch.manual_seed(0)
    detector, aligner = s3fd(), FAN(4)
    back_end = FaceAlignment(detector, aligner, device)
    face = Face((200.0, 60.0, 360.0, 260.0), 1.0)
    rates = {}
    for batch in BATCHES[device]:
        back_end.batch = batch
        frames = [frame] * max(batch, FRAMES[device])
        faces = [face] * len(frames)
        back_end.detect(frames[:batch])  # the first time takes longer
        back_end.landmarks(frames[:batch], faces[:batch])
        detect_s = seconds(lambda frames=frames: back_end.detect(frames)) / len(frames)
        landmarks_s = seconds(lambda frames=frames, faces=faces: back_end.landmarks(frames, faces)) / len(frames)
        rates[batch] = 1 / (detect_s + landmarks_s)
        where = f"faces face_alignment {device} batch {batch}"
        yield Measurement(f"{where}: detect", 1000 * detect_s, "ms per frame of 640x480")
        yield Measurement(f"{where}: landmarks", 1000 * landmarks_s, "ms per face")
        yield Measurement(where, rates[batch], "frames per second")
    best = max(rates, key=rates.get)
    sizes = ((detector, (HEIGHT_PX, WIDTH_PX)), (aligner, (CROP_PX, CROP_PX)))
    alone_s = sum(_forward_s(network, device, best, size) for network, size in sizes) / best
    where = f"faces face_alignment {device} batch {best}: networks"
    yield Measurement(where, alone_s * rates[best], "share of the time")


@torch.inference_mode()
def _forward_s(network: torch.nn.Module, device: str, batch: int, size: tuple[int, int]) -> float:
    """Return how long a network takes for a batch that is there already."""
    pictures = torch.zeros(batch, 3, *size, device=device)

    def work() -> None:
        network(pictures)[-1].sum().item()  # waits for the GPU

    return _typical(work, 1 if device == "cpu" else REPEATS)


def _typical(work: Callable[[], object], repeats: int = REPEATS) -> float:
    work()
    return statistics.median(seconds(work) for _ in range(repeats))
