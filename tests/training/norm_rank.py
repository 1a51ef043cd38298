"""One of two processes that normalise their parts of a batch together: `python -m norm_rank FOLDER RANK`."""

import sys
from pathlib import Path

import torch
from torch import Tensor, distributed, nn

from tavce.training import batch_norm

CHANNELS = 3
SPLIT = [4, 2]  # of six samples, to the two ranks
STEPS = 3
LAYERS = {
    "1d of features": (nn.BatchNorm1d, (), {}),
    "1d of sequences": (nn.BatchNorm1d, (5,), {}),
    "2d": (nn.BatchNorm2d, (4, 3), {}),
    "3d with a mean over all batches": (nn.BatchNorm3d, (2, 3, 2), {"momentum": None}),
    "without weights or statistics": (nn.BatchNorm2d, (4, 3), {"affine": False, "track_running_stats": False}),
}


def network(name: str) -> nn.Module:
    """Return a layer in a network, in double precision, with random weights that are the same every time."""
    layer, _, options = LAYERS[name]
    built = nn.Sequential(layer(CHANNELS, **options)).double()
    torch.manual_seed(1)
    for weight in built.parameters():
        nn.init.normal_(weight)
    return built


def samples(name: str) -> list[tuple[Tensor, Tensor]]:
    """Return every step's batch of six samples, far from zero, and the weights of the outputs in a loss."""
    shape = (sum(SPLIT), CHANNELS, *LAYERS[name][1])
    torch.manual_seed(2)
    return [(100 + 3 * torch.randn(shape).double(), torch.randn(shape).double()) for _ in range(STEPS)]


def passes(net: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> dict[str, list[Tensor] | dict[str, Tensor]]:
    """Return outputs and gradients of a network over steps, its state after them, and what it then evaluates to."""
    found = {"outputs": [], "input gradients": []}
    for batch, weights in batches:
        given = batch.clone().requires_grad_()
        output = net(given)
        (output.sin() * weights).sum().backward()
        found["outputs"].append(output.detach())
        found["input gradients"].append(given.grad)
    found["weight gradients"] = [weight.grad for weight in net.parameters()]
    found["state"] = net.state_dict()
    found["evaluated"] = [net.eval()(batch).detach() for batch, _ in batches[:1]]
    return found


def main(folder: Path, rank: int) -> None:
    """Run every layer on this rank's samples."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=len(SPLIT))
    results = {}
    for name in LAYERS:
        net = network(name)
        batch_norm.join(net)
        mine = [(batch.split(SPLIT)[rank], weights.split(SPLIT)[rank]) for batch, weights in samples(name)]
        results[name] = passes(net, mine)
    torch.save(results, folder / f"rank{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
