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
    torch.set_num_threads(1)
    exact = _features(torch.float64)
    difference = (_closed(exact) - _matrices(exact)).abs().item()
    yield Measurement("correlation loss, difference of the two forms in float64", difference, "", at_most=1e-6)
    features = _features(torch.float32)

    def closed() -> Tensor:
        return _closed(features)

    def matrices() -> Tensor:
        return _matrices(features)

    times = {form: [] for form in (closed, matrices)}
    for _ in range(REPEATS):
        for form, spent in times.items():
            spent.append(seconds(lambda form=form: form().backward()))
    held = {form: _bytes_held(form) / MIB for form in times}
    for name, form in (("closed form", closed), ("matrices", matrices)):
        yield Measurement(f"correlation loss, {name}, time", 1000 * statistics.median(times[form]), "ms")
        yield Measurement(f"correlation loss, {name}, memory", held[form], "MiB")
    yield Measurement(
        "correlation loss, time saved", median_ratio(times[matrices], times[closed]), "times", at_least=50
    )
    yield Measurement("correlation loss, memory saved", held[matrices] / held[closed], "times", at_least=40)


def _features(kind: torch.dtype) -> list[Tensor]:
    """Return voices now and later, and faces now and later [B, C] that are alike in part."""
    torch.manual_seed(0)
    voice, noise = torch.randn(2, 2, BATCH, ENTRIES, dtype=kind)
    face = voice + noise / 2
    return [feature.requires_grad_() for feature in (*voice.unbind(), *face.unbind())]


def _closed(features: list[Tensor]) -> Tensor:
    now, later, seen, seen_later = features
    return correlation_loss(later - now, seen_later - seen)


def _matrices(features: list[Tensor]) -> Tensor:
    return matrix_loss(tuple(features[:2]), tuple(features[2:]))


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
