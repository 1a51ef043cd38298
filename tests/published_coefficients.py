"""SadTalker's networks from sound to coefficients by the names and shapes of their entries, and what they compute.

Nothing here knows of tavce's networks; see `published_layouts`. Audio encoders have Wav2Lip's sizes.
"""

from itertools import pairwise

import torch
from published_layouts import Shapes, State, affine, audio_encoder, norm, normalise, of, run_audio_encoder
from torch import Tensor
from torch.nn import functional

CODERS = ("encoder", "decoder")


def audio2exp(expression: int = 64) -> Shapes:
    """Return audio2exp."""
    return audio_encoder() | affine("mapping1", expression, 512 + expression + 1)


def _res_block(name: str, incoming: int, channels: int) -> Shapes:
    shapes = norm(f"{name}.conv_block.0", incoming) | affine(f"{name}.conv_block.2", channels, incoming, 3, 3)
    shapes |= norm(f"{name}.conv_block.3", channels) | affine(f"{name}.conv_block.5", channels, channels, 3, 3)
    return shapes | affine(f"{name}.conv_skip.0", channels, incoming, 3, 3) | norm(f"{name}.conv_skip.1", channels)


def _resunet(name: str, widths: tuple[int, ...]) -> Shapes:
    outer = widths[0]
    shapes = affine(f"{name}.input_layer.0", outer, 1, 3, 3) | norm(f"{name}.input_layer.1", outer)
    shapes |= affine(f"{name}.input_layer.3", outer, outer, 3, 3) | affine(f"{name}.input_skip.0", outer, 1, 3, 3)
    for block, pair in zip(_down(len(widths)), pairwise(widths), strict=True):
        shapes |= _res_block(f"{name}.{block}", *pair)
    for number, (inner, skip) in enumerate(pairwise(widths[::-1]), 1):
        shapes |= {f"{name}.upsample_{number}.upsample.weight": (inner, inner, 2, 1)}
        shapes |= {f"{name}.upsample_{number}.upsample.bias": (inner,)}
        shapes |= _res_block(f"{name}.up_residual_conv{number}", inner + skip, skip)
    return shapes | affine(f"{name}.output_layer.0", 1, outer, 1, 1)


def _down(levels: int) -> list[str]:
    return [*(f"residual_conv_{number}" for number in range(1, levels - 1)), "bridge"]


def pose_cvae(
    frames: int, audio: int, narrow: int, latent: int, styles: int, hidden: int, widths: tuple[int, ...]
) -> Shapes:
    """Return the CVAE over head movement of six numbers a frame."""
    shapes: Shapes = {}
    for coder, inputs in zip(CODERS, (6 + frames * (6 + narrow) + latent, 6 + latent + frames * narrow), strict=True):
        shapes |= {f"{coder}.classbias": (styles, latent)} | _resunet(f"{coder}.resunet", widths)
        shapes |= affine(f"{coder}.MLP.L0", hidden, inputs)
        if coder == "encoder":
            shapes |= affine("encoder.linear_means", latent, hidden) | affine("encoder.linear_logvar", latent, hidden)
        else:
            shapes |= affine("decoder.MLP.L1", frames * 6, hidden) | affine("decoder.pose_linear", 6, 6)
        shapes |= affine(f"{coder}.linear_audio", narrow, audio)
    return shapes


def pose_discriminator(widths: tuple[int, int, int]) -> Shapes:
    """Return the discriminator of movements."""
    shapes: Shapes = {}
    for number, ((incoming, width), kernel) in enumerate(zip(pairwise((6, *widths)), (4, 4, 3), strict=True)):
        shapes |= {f"seq.{number}.conv.weight": (width, incoming, kernel)} | norm(f"seq.{number}.norm", width)
    return shapes | affine("seq.4", 1, widths[-1], 3)


def run_audio2exp(state: State, mel: Tensor, reference: Tensor, blink: Tensor) -> Tensor:
    """Return the expression of T frames of one clip."""
    return functional.linear(torch.cat([run_audio_encoder(state, mel), reference, blink], 1), *of(state, "mapping1"))


def _run_res_block(state: State, name: str, features: Tensor, stride: int) -> Tensor:
    inside = functional.relu(normalise(state, f"{name}.conv_block.0", features))
    inside = functional.conv2d(inside, *of(state, f"{name}.conv_block.2"), stride=(stride, 1), padding=1)
    inside = functional.relu(normalise(state, f"{name}.conv_block.3", inside))
    inside = functional.conv2d(inside, *of(state, f"{name}.conv_block.5"), padding=1)
    skip = functional.conv2d(features, *of(state, f"{name}.conv_skip.0"), stride=(stride, 1), padding=1)
    return inside + normalise(state, f"{name}.conv_skip.1", skip)


def _run_resunet(state: State, name: str, sequence: Tensor, levels: int) -> Tensor:
    picture = sequence[:, None]
    first = functional.conv2d(picture, *of(state, f"{name}.input_layer.0"), padding=1)
    first = functional.relu(normalise(state, f"{name}.input_layer.1", first))
    first = functional.conv2d(first, *of(state, f"{name}.input_layer.3"), padding=1)
    outs = [first + functional.conv2d(picture, *of(state, f"{name}.input_skip.0"), padding=1)]
    for block in _down(levels):
        outs.append(_run_res_block(state, f"{name}.{block}", outs[-1], 2))
    features = outs.pop()
    for number in range(1, levels):
        stretch = of(state, f"{name}.upsample_{number}.upsample")
        features = torch.cat([functional.conv_transpose2d(features, *stretch, stride=(2, 1)), outs.pop()], dim=1)
        features = _run_res_block(state, f"{name}.up_residual_conv{number}", features, 1)
    return torch.sigmoid(functional.conv2d(features, *of(state, f"{name}.output_layer.0")))[:, 0]


def run_pose_means(state: State, motion: Tensor, reference: Tensor, audio: Tensor, style: int) -> Tensor:
    """Return the mean of the code of a movement [B, T, 6]."""
    levels = sum(name.startswith("encoder.resunet.upsample") and name.endswith("weight") for name in state) + 1
    moved = _run_resunet(state, "encoder.resunet", motion, levels).flatten(1)
    heard = functional.linear(audio, *of(state, "encoder.linear_audio")).flatten(1)
    bias = state["encoder.classbias"][style].expand(len(motion), -1)
    hidden = functional.linear(torch.cat([reference, moved, heard, bias], dim=1), *of(state, "encoder.MLP.L0"))
    return functional.linear(functional.relu(hidden), *of(state, "encoder.linear_means"))


def run_pose_decoder(state: State, code: Tensor, reference: Tensor, audio: Tensor, style: int) -> Tensor:
    """Return the movement [B, T, 6] of a code."""
    levels = sum(name.startswith("decoder.resunet.upsample") and name.endswith("weight") for name in state) + 1
    heard = functional.linear(audio, *of(state, "decoder.linear_audio")).flatten(1)
    known = torch.cat([reference, code + state["decoder.classbias"][style], heard], dim=1)
    hidden = functional.relu(functional.linear(known, *of(state, "decoder.MLP.L0")))
    sequence = torch.sigmoid(functional.linear(hidden, *of(state, "decoder.MLP.L1"))).reshape(len(code), -1, 6)
    smooth = _run_resunet(state, "decoder.resunet", sequence, levels)
    return functional.linear(smooth, *of(state, "decoder.pose_linear"))


def run_pose_discriminator(state: State, motion: Tensor) -> Tensor:
    """Return the scores of a movement."""
    features = motion.transpose(1, 2)
    for number, stride in enumerate((2, 2, 1)):
        features = functional.conv1d(features, state[f"seq.{number}.conv.weight"], stride=stride, padding=1)
        features = functional.leaky_relu(normalise(state, f"seq.{number}.norm", features), 0.2)
    return functional.conv1d(features, *of(state, "seq.4"), padding=1)[:, 0]
