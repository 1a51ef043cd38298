"""How fast the data stages are on a 640 × 480 clip: together, one by one, against their floors, and on two cores.

The stages are the real commands, in this process, with one thread; time is processor time, ffmpeg's included, so that
frames a second are those of one core. A floor is what no code around it can beat: decoding the clip, running the face
networks as often as `detect` does over pictures that are in memory, and encoding the clip's H.264 and the crops' JPEGs
from memory. `trim`, `detect` and `crop` each decode the clip once, so it counts three times among their floors.
"""

import cProfile
import pstats
import shutil
import statistics
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tavce import media
from tavce.config import paper
from tavce.faces.facemesh import DETECTOR_SIDE, MESH_SIDE, FaceMesh
from tests.bench.measurement import Measurement, core_seconds, median_ratio, seconds
from tests.bench.talking_clip import write_talking_clip
from tests.bench.workbench import Workbench

GOAL_FRAMES_PER_S = 60
GOAL_FLOORS, GOAL_TWO_WORKERS = 1.5, 1.8
REPEATS = 3
FACES = ("detect", "crop", "mel")
TIMED = ("trim", "detect", "crop", "quality", "mel", "motion")
FLOORS = ("decode only", "networks only", "encode only")
DECODED = 3  # times, by as many stages
COPIES = 4  # of the clip in the shard, so that what a job takes to start counts little, as in a real one
PARTS = {  # of `detect`, by the name of the function in which the time is spent
    "networks": ("invoke", "Invoke"),
    "decoding": ("decode", "to_ndarray"),
    "face crops and scaled frames": ("warpAffine", "resize"),
    "cuts": ("process_frame",),
}


def measure() -> Iterator[Measurement]:
    """Yield frames a second, ratios to the floors, the speed-up by a second worker, and where `detect` spends time."""
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        workbench = Workbench(Path(folder), COPIES)
        write_talking_clip(workbench.video)
        workbench.prepare("trim", "detect", "crop", "quality", "mel", "basis", "motion")
        frames = list(media.decode(workbench.video))
        times = _times(workbench, frames)
        yield from _speeds(times, COPIES * len(frames))
        yield from _profile(workbench)
    yield _two_workers()


def _speeds(times: dict[str, list[float]], frames: int) -> Iterator[Measurement]:
    def summed(names: tuple[str, ...]) -> list[float]:
        return [sum(parts) for parts in zip(*(times[name] for name in names), strict=True)]

    together, faces, floors = summed(TIMED), summed(FACES), summed(FLOORS)
    for name, spent in (("together", together), ("detect, crop and mel", faces), *times.items()):
        goal = GOAL_FRAMES_PER_S if spent is faces else None
        speed = frames / statistics.median(spent)
        yield Measurement(f"data {name}", speed, "frames/s per core at 640x480", at_least=goal)
    again = [decoding * (DECODED - 1) for decoding in times["decode only"]]
    of_stages = [sum(parts) for parts in zip(floors, again, strict=True)]
    yield Measurement("data together / floors", median_ratio(together, of_stages), "times", at_most=GOAL_FLOORS)
    yield Measurement("data together / floors, decoded once in all", median_ratio(together, floors), "times")
    decode_and_networks = summed(FLOORS[:2])
    yield Measurement("data detect / decode and networks", median_ratio(times["detect"], decode_and_networks), "times")
    for name, spent in times.items():
        share = 100 * statistics.median(spent) / statistics.median(together)
        yield Measurement(f"data {name}: share of together", share, "%")


def _times(workbench: Workbench, frames: list[np.ndarray]) -> dict[str, list[float]]:
    """Return the core seconds of stages and floors in every repeat."""
    back_end, every = FaceMesh(), paper().detect.every
    keys = 1 + -(-(len(frames) - 1) // every)
    times = defaultdict(list)
    crops = [cv2.resize(frame, (paper().crop.size_px,) * 2) for frame in frames]
    planes = [av.VideoFrame.from_ndarray(frame).reformat(format="yuv420p") for frame in frames]
    small = np.zeros((DETECTOR_SIDE, DETECTOR_SIDE, 3), np.float32)
    face = np.zeros((MESH_SIDE, MESH_SIDE, 3), np.float32)

    def decode_only() -> None:
        for _ in range(COPIES):
            deque(media.decode(workbench.video), maxlen=0)

    def networks_only() -> None:
        for _ in range(COPIES * keys):
            back_end._detector(small)
        for _ in range(COPIES * (len(frames) + keys)):  # a detected face takes two
            back_end._mesh(face)

    def encode_only() -> None:
        for _ in range(COPIES):
            _encode(planes)
            for crop in crops:
                cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, paper().crop.jpeg_quality])

    for _ in range(REPEATS):
        for stage in TIMED:
            times[stage].append(seconds(lambda stage=stage: workbench.run(stage), core_seconds))
        for name, work in zip(FLOORS, (decode_only, networks_only, encode_only), strict=True):
            times[name].append(seconds(work, core_seconds))
    return times


def _encode(frames: list[av.VideoFrame]) -> None:
    trim = paper().trim
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
    encoder.time_base, encoder.thread_count = Fraction(1, trim.rate_hz), 1
    encoder.options = {"crf": str(trim.crf), "preset": trim.preset}
    for number, frame in enumerate(frames):
        frame.pts = number
        encoder.encode(frame)
    encoder.encode(None)


def _profile(workbench: Workbench) -> Iterator[Measurement]:
    """Yield which share of `detect` goes where, by the profiler, which makes small functions look slower."""
    with cProfile.Profile() as profile:
        workbench.run("detect")
    spent = defaultdict(float)
    for (_, _, function), (_, _, own, whole, _) in pstats.Stats(profile).stats.items():
        for part, names in PARTS.items():
            if any(name in function for name in names):
                spent[part] += whole if part == "cuts" else own
    total = pstats.Stats(profile).total_tt
    for part in PARTS:
        yield Measurement(f"data detect: {part}", 100 * spent[part] / total, "% of the profile")
    yield Measurement("data detect: all else", 100 * (1 - sum(spent.values()) / total), "% of the profile")


def _two_workers() -> Measurement:
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        one = Workbench(Path(folder, "one"), 3 * COPIES)
        two = Workbench(Path(folder, "two"), 3 * COPIES, threads=2)
        one.folder.mkdir()
        write_talking_clip(one.video)
        shutil.copytree(one.folder, two.folder)
        for workbench in (one, two):
            workbench.prepare("trim", "detect")
        stages = ("trim", "detect", "crop")
        spent = [
            [seconds(lambda stage=stage, bench=bench: bench.run(stage)) for stage in stages] for bench in (one, two)
        ]
    return Measurement(
        "data two workers", sum(spent[0]) / sum(spent[1]), "times one, wall time", at_least=GOAL_TWO_WORKERS
    )
