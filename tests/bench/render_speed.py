"""Rendering a portrait against the plain loop over its frames, and the memory of ten minutes of speech, on one core.

The plain loop asks the renderer anew for every frame, as training does. Times are of the processor, in turns. Peaks are
of a process of its own (`python -m tests.bench.render_speed SIZES FRAMES`) that throws the frames away: ten minutes
and one of networks of little work, at 256 px and on the way that all frames take, and a short speech of the paper's.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import torch

from tavce.dataset import to_unit
from tavce.generator import talking
from tests.bench.measurement import Measurement, median_ratio
from tests.bench.untrained import noise, sized, untrained_networks

TURNS = 2
MOST_DIFFERENT = 1e-4  # of pictures in [0, 1]
MINUTE, TEN_MINUTES, SHORT = 1500, 15_000, 2  # frames
MOST_MB, MOST_GROWTH = 3000, 1.1


def measure() -> Iterator[Measurement]:
    """Yield the ratio and the difference, and the peaks of memory."""
    torch.set_num_threads(1)
    long = _start("tiny", TEN_MINUTES)  # beside the others, on a core of its own
    minute_mb = _peak_mb(_start("tiny", MINUTE))  # before this process grows: a child's peak includes it
    paper_mb = _peak_mb(_start("paper", SHORT))
    yield from _against_the_plain_loop()
    yield Measurement("render, paper's sizes: peak memory", paper_mb, "MB", at_most=MOST_MB)
    long_mb = _peak_mb(long)
    yield Measurement("render ten minutes of speech, tiny networks: peak memory", long_mb, "MB", at_most=MOST_MB)
    growth = long_mb / minute_mb
    yield Measurement("render ten minutes of speech: memory to one minute's", growth, "times", at_most=MOST_GROWTH)


@torch.inference_mode()
def _against_the_plain_loop() -> Iterator[Measurement]:
    networks = untrained_networks(sized("paper"), torch.device("cpu"))
    portrait, _, _ = noise(sized("paper"), 1)
    window = networks.renderer_settings.networks.mapping.window
    source = to_unit(portrait.picture[None])
    own = torch.from_numpy(portrait.coefficients)[None, :, None].expand(-1, -1, window)
    targets = torch.randn(TURNS, 1, *own.shape[1:]) * 0.3
    attentions = torch.nn.functional.normalize(torch.rand(TURNS, 1, networks.metric.recipe.networks.features), dim=2)
    renderer, times, differences = networks.portrait_renderer, {"plain": [], "once": []}, []
    seen = renderer.look(source, own)
    for given in zip(targets, attentions, strict=True):
        began = time.process_time()
        expected = networks.renderer(source, own, *given).prediction
        between = time.process_time()
        painted = renderer.frames(seen, *given)
        times["plain"].append(between - began)
        times["once"].append(time.process_time() - between)
        differences.append(float((painted - expected).abs().max()))
    ratio = median_ratio(times["plain"], times["once"])
    yield Measurement("render, paper's sizes: to the plain loop", ratio, "times as fast", at_least=1)
    yield Measurement("render, paper's sizes: a frame", min(times["once"]), "s of a core")
    largest = max(differences)
    yield Measurement("render: largest difference to the plain loop", largest, "of [0, 1]", at_most=MOST_DIFFERENT)


def _start(sizes: str, frames: int) -> subprocess.Popen:
    """Start a process that renders a speech."""
    return subprocess.Popen([sys.executable, "-m", "tests.bench.render_speed", sizes, str(frames)])


def _peak_mb(process: subprocess.Popen) -> float:
    """Wait for a process, and return its peak memory."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{process.args} failed"
    return usage.ru_maxrss / 1024


def main(sizes: str, frames: int) -> int:
    """Render a speech, and return 0 where it had all its frames."""
    torch.set_num_threads(1)
    settings = sized(sizes)
    networks = untrained_networks(settings, torch.device("cpu"))
    return int(sum(len(batch) for batch in talking.talk(networks, *noise(settings, frames))) != frames)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
