"""What the closed form of the correlation loss saves against the C × C matrices, at B 256, C 128.

Time is that of forward and backward on one thread; memory is what the graph holds between the two.
"""

import statistics
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tavce.metric.losses import correlation_loss
from tests.bench.full_matrix import matrix_loss
from tests.bench.measurement import Measurement, median_ratio, seconds

BATCH, ENTRIES = 256, 128
REPEATS = 15
MIB = 2**20


def measure() -> Iterator[Measurement]:
    """Yield the two forms' time and memory, their ratios, and by how much they differ."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    voice, noise = torch.randn(2, 2, BATCH, ENTRIES)
    face = voice + noise / 2
    features = [feature.requires_grad_() for feature in (*voice.unbind(), *face.unbind())]

    def closed() -> Tensor:
        now, later, seen, seen_later = features
        return correlation_loss(later - now, seen_later - seen)

    def matrices() -> Tensor:
        return matrix_loss(tuple(features[:2]), tuple(features[2:]))

    yield Measurement(
        "correlation loss, difference of the two forms", (closed() - matrices()).abs().item(), "", at_most=1e-5
    )
    times = {form: [] for form in (closed, matrices)}
    for _ in range(REPEATS):
        for form, spent in times.items():
            spent.append(seconds(lambda form=form: form().backward()))
    held = {form: _bytes_held(form) / MIB for form in times}
    for name, form in (("closed form", closed), ("matrices", matrices)):
        yield Measurement(f"correlation loss, {name}, time", 1000 * statistics.median(times[form]), "ms")
        yield Measurement(f"correlation loss, {name}, memory", held[form], "MiB")
    yield Measurement(
        "correlation loss, time saved", median_ratio(times[matrices], times[closed]), "times", at_least=10
    )
    yield Measurement("correlation loss, memory saved", held[matrices] / held[closed], "times", at_least=10)


def _bytes_held(form: Callable[[], Tensor]) -> int:
    """Return the bytes of the different tensors that a loss keeps for its backward pass."""
    sizes: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        form()
    return sum(sizes.values())
