"""Batch norm over the samples of all ranks, so that their number changes no result.

torch's SyncBatchNorm has GPU kernels only; this one is of differentiable sums over ranks, and so the same wherever it
runs. Means come first, then the squares around them: squares of uncentred numbers would cancel. Numbers of half
precision are added up as float32, as torch's own batch norm does. Two sums over ranks a layer and pass, forward and
backward.
Shapes: B samples of a rank, C channels, any places.
"""

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tavce.training import ranks


class _SumOverRanks(torch.autograd.Function):
    """Sum over ranks: what a rank gives is part of every rank's sum, and so of every rank's loss."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return _SumOverRanks.apply(gradient)


class JointBatchNorm(_BatchNorm):
    """Batch norm of any number of places: over all ranks' samples while training, torch's own otherwise."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any number of places: what this stands for has checked nothing else."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the samples [B, C, ...] normalised, in their own precision."""
        if not self.training or ranks.alone():
            return super().forward(input)
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        own = values.new_tensor([values.numel() / values.shape[1]])
        sums = _SumOverRanks.apply(torch.cat([_sum(values), own]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = values - _spread(mean, values)
        variance = _SumOverRanks.apply(_sum(centred.square())) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        normed = centred * _spread(scale, values)
        return (normed if self.bias is None else normed + _spread(self.bias, values)).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Take a batch's statistics into the running ones."""
        if self.running_mean is None:
            return
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def _sum(values: Tensor) -> Tensor:
    return values.sum(dim=[0, *range(2, values.ndim)])


def _spread(channels: Tensor, values: Tensor) -> Tensor:
    return channels.view(1, -1, *[1] * (values.ndim - 2))


def join(network: nn.Module) -> None:
    """Let every batch norm inside a network be one over all ranks; weights, statistics and their names stay."""
    for name, module in network.named_children():
        if isinstance(module, _BatchNorm):
            setattr(network, name, _joint(module))
        else:
            join(module)


def _joint(module: _BatchNorm) -> JointBatchNorm:
    """Return a batch norm over all ranks with the very weights and statistics of another."""
    shape = {"affine": module.affine, "track_running_stats": module.track_running_stats}
    joint = JointBatchNorm(module.num_features, module.eps, module.momentum, **shape)
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        setattr(joint, name, value)
    return joint.train(module.training)
