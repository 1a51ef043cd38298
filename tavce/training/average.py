"""The exponential moving average of networks' weights over steps: smoother than the weights of any one step.

After each step, average = decay · average + (1 − decay) · weights; it begins as the weights before the first step.
Statistics of batch norm, and other buffers, are those of the last step.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    """The average of some networks; of none where the decay is None, and then nothing of this does anything."""

    def __init__(self, networks: Mapping[str, nn.Module], decay: float | None):
        self._networks = {} if decay is None else dict(networks)
        self._blend = get_ema_multi_avg_fn(decay or 0.0)
        self._kept = {
            name: {key: value.clone() for key, value in network.state_dict().items()}
            for name, network in self._networks.items()
        }

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after one more step."""
        for name, network in self._networks.items():
            kept, now = self._kept[name], network.state_dict()
            learnt = [key for key, _ in network.named_parameters()]
            self._blend([kept[key] for key in learnt], [now[key] for key in learnt], None)
            for key in now.keys() - learnt:
                kept[key].copy_(now[key])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within: the networks have the averaged weights; afterwards their own again, to the bit."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, network in self._networks.items():
            for key, value in network.state_dict().items():
                kept = self._kept[name][key]
                own = value.clone()
                value.copy_(kept)
                kept.copy_(own)

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """Return the averaged weights by network and name."""
        return self._kept

    def load_state_dict(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from the averaged weights of an earlier run."""
        for name, kept in self._kept.items():
            for key, value in kept.items():
                value.copy_(state[name][key])
