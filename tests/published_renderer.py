"""The published face renderer by the names and shapes of its entries, and what it computes, written down once more.

Source: face-vid2vid, SadTalker and the release. Nothing here knows of tavce's networks; see `published_layouts`.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from published_layouts import Shapes, State, affine, norm, normalise, of
from torch import Tensor
from torch.nn import functional


class Sizes(NamedTuple):
    """Sizes of the renderer; the first widths are doubled up to `widest` from level to level."""

    first: int
    widest: int
    levels: int
    volume: tuple[int, int]  # channels, depth
    blocks_3d: int
    compressed: int
    keypoints: int
    motion: tuple[int, int, int]  # first width, widest, levels of the hourglass
    motion_kernel: int
    decoder: tuple[int, int, int, int]  # features, middle, middle blocks, inside the modulation
    up: tuple[int, ...]


SMALL = Sizes(4, 12, 2, (6, 4), 1, 2, 5, (4, 12, 2), 3, (8, 10, 1, 4), (10, 6))
PAPER = Sizes(64, 512, 2, (32, 16), 6, 4, 15, (32, 1024, 5), 7, (256, 512, 6, 128), (256, 64))
ATTENTION = "proj1", "proj2", "linear"


def _doubled(first: int, widest: int, levels: int) -> list[int]:
    return [min(widest, first * 2**level) for level in range(levels + 1)]


def _block(name: str, incoming: int, channels: int, *kernel: int) -> Shapes:
    return affine(f"{name}.conv", channels, incoming, *kernel) | norm(f"{name}.norm", channels)


def _spectral(name: str, outgoing: int, incoming: int, kernel: int, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.bias": (outgoing,)} if bias else {}
    shapes |= {f"{name}.weight_orig": (outgoing, incoming, kernel, kernel)}
    return shapes | {f"{name}.weight_u": (outgoing,), f"{name}.weight_v": (incoming * kernel**2,)}


def generator(sizes: Sizes, attention: int | None = None) -> Shapes:
    """Return the generator, with the release's layers for an attention of so many entries where there is one."""
    widths = _doubled(sizes.first, sizes.widest, sizes.levels)
    flat = sizes.volume[0] * sizes.volume[1]
    shapes = _dense_motion(sizes) | _block("first", 3, sizes.first, 3, 3)
    for level, pair in enumerate(pairwise(widths)):
        shapes |= _block(f"down_blocks.{level}", *pair, 3, 3)
    shapes |= affine("second", flat, widths[-1], 1, 1)
    if attention:
        shapes |= affine("proj1", attention, flat, 1, 1) | affine("proj2", flat, attention, 1, 1)
        shapes |= affine("linear", flat, flat, 1, 1)
    channels = sizes.volume[0]
    for number in range(sizes.blocks_3d):
        for layer in (1, 2):
            inside = f"resblocks_3d.3dr{number}"
            shapes |= affine(f"{inside}.conv{layer}", channels, channels, 3, 3, 3)
            shapes |= norm(f"{inside}.norm{layer}", channels)
    features = sizes.decoder[0]
    shapes |= _block("third", flat, features, 3, 3) | affine("fourth", features, features, 1, 1)
    return shapes | _decoder(sizes)


def _dense_motion(sizes: Sizes) -> Shapes:
    motions = sizes.keypoints + 1
    widths = _doubled(*sizes.motion)
    seen = motions * (sizes.compressed + 1)
    outer = [seen, *widths[1:]]
    inside = "dense_motion_network"
    shapes: Shapes = {}
    for level, pair in enumerate(pairwise(outer)):
        shapes |= _block(f"{inside}.hourglass.encoder.down_blocks.{level}", *pair, 3, 3, 3)
    incoming = widths[-1]
    for number, level in enumerate(reversed(range(len(widths) - 1))):
        shapes |= _block(f"{inside}.hourglass.decoder.up_blocks.{number}", incoming, widths[level], 3, 3, 3)
        incoming = widths[level] + outer[level]
    shapes |= _block(f"{inside}.hourglass.decoder", incoming, incoming, 3, 3, 3)
    kernel = sizes.motion_kernel
    shapes |= affine(f"{inside}.mask", motions, incoming, *(kernel,) * 3)
    shapes |= affine(f"{inside}.compress", sizes.compressed, sizes.volume[0], 1, 1, 1)
    shapes |= norm(f"{inside}.norm", sizes.compressed)
    return shapes | affine(f"{inside}.occlusion", 1, incoming * sizes.volume[1], kernel, kernel)


def _decoder(sizes: Sizes) -> Shapes:
    features, middle, blocks, inside = sizes.decoder
    shapes = affine("decoder.fc", middle, features, 3, 3)
    pairs = [(f"G_middle_{number}", middle, middle) for number in range(blocks)]
    pairs += [(f"up_{number}", *pair) for number, pair in enumerate(pairwise((middle, *sizes.up)))]
    for block, incoming, outgoing in pairs:
        name, between = f"decoder.{block}", min(incoming, outgoing)
        shapes |= _spectral(f"{name}.conv_0", between, incoming, 3) | _spectral(f"{name}.conv_1", outgoing, between, 3)
        spades = {"norm_0": incoming, "norm_1": between}
        if incoming != outgoing:
            shapes |= _spectral(f"{name}.conv_s", outgoing, incoming, 1, bias=False)
            spades["norm_s"] = incoming
        for spade, width in spades.items():
            shapes |= affine(f"{name}.{spade}.mlp_shared.0", inside, features, 3, 3)
            shapes |= affine(f"{name}.{spade}.mlp_gamma", width, inside, 3, 3)
            shapes |= affine(f"{name}.{spade}.mlp_beta", width, inside, 3, 3)
    return shapes | affine("decoder.conv_img", 3, sizes.up[-1], 3, 3)


def keypoint_detector(first: int, widest: int, levels: int, depth: int, keypoints: int, blur: int) -> Shapes:
    """Return the keypoint detector, whose picture is shrunk by a kernel of `blur` px."""
    widths = _doubled(first, widest, levels)
    shapes: Shapes = {}
    for level, pair in enumerate(pairwise([3, *widths[1:]])):
        shapes |= _block(f"predictor.down_blocks.down{level}", *pair, 3, 3)
    shapes |= affine("predictor.conv", widths[-1] * depth, widths[-1], 1, 1)
    for number, pair in enumerate(pairwise(widths[::-1])):
        shapes |= _block(f"predictor.up_blocks.up{number}", *pair, 3, 3, 3)
    return shapes | affine("kp", keypoints, first, 3, 3, 3) | {"down.weight": (3, 1, blur, blur)}


def mapping(coefficients: int, channels: int, keypoints: int) -> Shapes:
    """Return the mapping network, of a first kernel of 7 and three residual layers."""
    shapes = affine("first.0", channels, coefficients, 7)
    for number in range(3):
        shapes |= affine(f"encoder{number}.1", channels, channels, 3)
    return shapes | _heads(channels, keypoints)


def _heads(features: int, keypoints: int) -> Shapes:
    outputs = {"fc_roll": 66, "fc_pitch": 66, "fc_yaw": 66, "fc_t": 3, "fc_exp": 3 * keypoints}
    return {name: shape for head, width in outputs.items() for name, shape in affine(head, width, features).items()}


def estimator(stem: int, widths: tuple[int, ...], blocks: tuple[int, ...], keypoints: int) -> Shapes:
    """Return the head-pose/expression estimator."""
    shapes = affine("conv1", stem, 3, 7, 7) | norm("norm1", stem)
    incoming = stem
    for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        shapes |= affine(f"conv{level + 2}", width, incoming, 1, 1) | norm(f"norm{level + 2}", width)
        for name in _bottlenecks(level, count):
            narrow = width // 4
            shapes |= affine(f"{name}.conv1", narrow, width, 1, 1) | affine(f"{name}.conv2", narrow, narrow, 3, 3)
            shapes |= affine(f"{name}.conv3", width, narrow, 1, 1)
            shapes |= norm(f"{name}.norm1", narrow) | norm(f"{name}.norm2", narrow) | norm(f"{name}.norm3", width)
            if "." not in name:
                shapes |= affine(f"{name}.skip", width, width, 1, 1) | norm(f"{name}.norm4", width)
        incoming = width
    return shapes | _heads(incoming, keypoints)


def _bottlenecks(level: int, count: int) -> list[str]:
    odd = 2 * level + 1
    if level == 0:
        return [f"block1.b1_{number}" for number in range(count)]
    return [f"block{2 * level}", *(f"block{odd}.b{odd}_{number}" for number in range(count - 1))]


def discriminator(widths: tuple[int, ...], scales: tuple[str, ...]) -> Shapes:
    """Return the discriminators of pictures; scales as they are named there: `1`, `0-5`."""
    shapes: Shapes = {}
    for scale in scales:
        for level, (incoming, width) in enumerate(pairwise((3, *widths))):
            name = f"discs.{scale}.down_blocks.{level}"
            shapes |= _spectral(f"{name}.conv", width, incoming, 4)
            shapes |= affine(f"{name}.norm", width) if level else {}
        shapes |= _spectral(f"discs.{scale}.conv", 1, widths[-1], 1)
    return shapes


def converged(state: State) -> State:
    """Return a state in which the vectors of every spectral norm are those of its largest singular value."""
    state = dict(state)
    for name in [name for name in state if name.endswith("weight_orig")]:
        u, _, v = torch.linalg.svd(state[name].flatten(1), full_matrices=False)
        stem = name.removesuffix("orig")
        state[f"{stem}u"], state[f"{stem}v"] = u[:, 0].contiguous(), v[0].contiguous()
    return state


def _normed_conv(state: State, name: str, features: Tensor, padding: int) -> Tensor:
    weight = state[f"{name}.weight_orig"]
    largest = state[f"{name}.weight_u"] @ weight.flatten(1) @ state[f"{name}.weight_v"]
    return functional.conv2d(features, weight / largest, state.get(f"{name}.bias"), padding=padding)


def _conv_norm(state: State, name: str, features: Tensor) -> Tensor:
    conv = functional.conv2d if features.ndim == 4 else functional.conv3d
    return functional.relu(normalise(state, f"{name}.norm", conv(features, *of(state, f"{name}.conv"), padding=1)))


def run_keypoint_detector(state: State, picture: Tensor, depth: int, every: int) -> Tensor:
    """Return the keypoints of a picture of which every n-th px is looked at, at a temperature of 0.1."""
    blur = state["down.weight"]
    features = functional.conv2d(functional.pad(picture, (blur.shape[-1] // 2,) * 4), blur, groups=3)
    features = features[:, :, ::every, ::every]
    levels = len({name.split(".")[2] for name in state if name.startswith("predictor.down_blocks")})
    for level in range(levels):
        features = functional.avg_pool2d(_conv_norm(state, f"predictor.down_blocks.down{level}", features), 2)
    features = functional.conv2d(features, *of(state, "predictor.conv"))
    volume = features.reshape(len(features), -1, depth, *features.shape[2:])
    for level in range(levels):
        volume = functional.interpolate(volume, scale_factor=(1, 2, 2))
        volume = _conv_norm(state, f"predictor.up_blocks.up{level}", volume)
    logits = functional.conv3d(volume, *of(state, "kp"), padding=1)
    heat = functional.softmax(logits.flatten(2) / 0.1, dim=2).reshape(logits.shape)
    return (heat.unsqueeze(-1) * _grid(volume)).sum(dim=(2, 3, 4))


def _grid(volume: Tensor) -> Tensor:
    """Return x, y and z of every cell [D, H, W, 3], from -1 to 1."""
    depth, height, width = volume.shape[2:]
    x = 2 * (torch.arange(width) / (width - 1)) - 1
    y = 2 * (torch.arange(height) / (height - 1)) - 1
    z = 2 * (torch.arange(depth) / (depth - 1)) - 1
    shape = (depth, height, width)
    return torch.stack(
        [x.expand(shape), y.view(-1, 1).expand(shape), z.view(-1, 1, 1).expand(shape)],
        dim=-1,
    )


def run_heads(state: State, features: Tensor, swapped: bool) -> dict[str, Tensor]:
    """Return what the heads say; the estimator's yaw and roll are read from each other's layers (`swapped`)."""
    said = {head: functional.linear(features, *of(state, head)) for head in ("fc_yaw", "fc_pitch", "fc_roll", "fc_t")}
    expression = functional.linear(features, *of(state, "fc_exp"))
    yaw, roll = ("fc_roll", "fc_yaw") if swapped else ("fc_yaw", "fc_roll")
    motion = {"yaw": said[yaw], "pitch": said["fc_pitch"], "roll": said[roll], "translation": said["fc_t"]}
    return motion | {"expression": expression.reshape(len(features), -1, 3)}


def run_mapping(state: State, window: Tensor) -> dict[str, Tensor]:
    """Return the motion of the middle frame of a window."""
    features = functional.conv1d(window, *of(state, "first.0"))
    for number in range(3):
        added = functional.conv1d(functional.leaky_relu(features, 0.1), *of(state, f"encoder{number}.1"), dilation=3)
        features = added + features[:, :, 3:-3]
    return run_heads(state, functional.adaptive_avg_pool1d(features, 1).squeeze(2), swapped=False)


def run_estimator(state: State, picture: Tensor, blocks: tuple[int, ...]) -> dict[str, Tensor]:
    """Return the motion of the face in a picture."""
    features = functional.conv2d(picture, *of(state, "conv1"), stride=2, padding=3)
    features = functional.max_pool2d(functional.relu(normalise(state, "norm1", features)), 3, 2, 1)
    for level, count in enumerate(blocks):
        features = functional.conv2d(features, *of(state, f"conv{level + 2}"))
        features = functional.relu(normalise(state, f"norm{level + 2}", features))
        for name in _bottlenecks(level, count):
            stride = 1 if "." in name else 2
            inside = functional.conv2d(features, *of(state, f"{name}.conv1"))
            inside = functional.relu(normalise(state, f"{name}.norm1", inside))
            inside = functional.conv2d(inside, *of(state, f"{name}.conv2"), stride=stride, padding=1)
            inside = functional.relu(normalise(state, f"{name}.norm2", inside))
            inside = normalise(state, f"{name}.norm3", functional.conv2d(inside, *of(state, f"{name}.conv3")))
            if stride == 2:
                features = functional.conv2d(features, *of(state, f"{name}.skip"), stride=2)
                features = normalise(state, f"{name}.norm4", features)
            features = functional.relu(inside + features)
    return run_heads(state, features.mean(dim=(2, 3)), swapped=True)


def run_discriminator(state: State, picture: Tensor, scale: str) -> Tensor:
    """Return the scores of a picture that has the scale already."""
    levels = len({name.split(".")[3] for name in state if name.startswith(f"discs.{scale}.down_blocks")})
    for level in range(levels):
        name = f"discs.{scale}.down_blocks.{level}"
        picture = _normed_conv(state, f"{name}.conv", picture, padding=0)
        if level:
            weight, bias = of(state, f"{name}.norm")
            picture = functional.instance_norm(picture, weight=weight, bias=bias)
        picture = functional.leaky_relu(picture, 0.2)
        picture = functional.avg_pool2d(picture, 2) if level < levels - 1 else picture
    return _normed_conv(state, f"discs.{scale}.conv", picture, padding=0)


def run_generator(state: State, sizes: Sizes, source: Tensor, moved: tuple[Tensor, Tensor], heard: Tensor) -> Tensor:
    """Return the picture of a source, moved from keypoints to others; `heard` is the attention, looked at if it can."""
    features = _conv_norm(state, "first", source)
    for level in range(sizes.levels):
        features = functional.avg_pool2d(_conv_norm(state, f"down_blocks.{level}", features), 2)
    features = functional.conv2d(features, *of(state, "second"))
    if "linear.weight" in state:
        attended = functional.conv2d(features, *of(state, "proj1")) * heard[:, :, None, None]
        features = functional.conv2d(features + functional.conv2d(attended, *of(state, "proj2")), *of(state, "linear"))
    volume = features.reshape(len(features), *sizes.volume, *features.shape[2:])
    for number in range(sizes.blocks_3d):
        inside, name = volume, f"resblocks_3d.3dr{number}"
        for layer in (1, 2):
            inside = functional.relu(normalise(state, f"{name}.norm{layer}", inside))
            inside = functional.conv3d(inside, *of(state, f"{name}.conv{layer}"), padding=1)
        volume = volume + inside
    deformation, occlusion = _run_dense_motion(state, sizes, volume, moved)
    warped = functional.grid_sample(volume, deformation, align_corners=False).flatten(1, 2)
    third = functional.conv2d(warped, *of(state, "third.conv"), padding=1)
    features = functional.leaky_relu(normalise(state, "third.norm", third), 0.01)
    return _run_decoder(state, sizes, functional.conv2d(features, *of(state, "fourth")) * occlusion)


def _run_dense_motion(
    state: State, sizes: Sizes, volume: Tensor, moved: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    inside = "dense_motion_network"
    source, driving = moved
    compressed = functional.conv3d(volume, *of(state, f"{inside}.compress"))
    compressed = functional.relu(normalise(state, f"{inside}.norm", compressed))
    grid = _grid(volume)
    shifts = [grid.expand(len(volume), *grid.shape)]
    heat = [torch.zeros(len(volume), *grid.shape[:3])]
    for number in range(sizes.keypoints):
        here, there = (points[:, number, None, None, None] for points in (driving, source))
        shifts.append(grid - here + there)
        gaussians = [torch.exp(-0.5 * ((grid - point) ** 2).sum(-1) / 0.01) for point in (here, there)]
        heat.append(gaussians[0] - gaussians[1])
    seen = []
    for one, shift in zip(heat, shifts, strict=True):
        seen += [one.unsqueeze(1), functional.grid_sample(compressed, shift, align_corners=False)]
    features = _run_hourglass(state, f"{inside}.hourglass", torch.cat(seen, dim=1), sizes.motion[2])
    padding = sizes.motion_kernel // 2
    mask = functional.softmax(functional.conv3d(features, *of(state, f"{inside}.mask"), padding=padding), dim=1)
    deformation = sum(mask[:, number, ..., None] * shift for number, shift in enumerate(shifts))
    flat = features.flatten(1, 2)
    occlusion = functional.conv2d(flat, *of(state, f"{inside}.occlusion"), padding=padding)
    return deformation, torch.sigmoid(occlusion)


def _run_hourglass(state: State, name: str, volume: Tensor, levels: int) -> Tensor:
    outs = [volume]
    for level in range(levels):
        features = _conv_norm(state, f"{name}.encoder.down_blocks.{level}", outs[-1])
        outs.append(functional.avg_pool3d(features, (1, 2, 2)))
    features = outs.pop()
    for level in range(levels):
        features = functional.interpolate(features, scale_factor=(1, 2, 2))
        features = torch.cat([_conv_norm(state, f"{name}.decoder.up_blocks.{level}", features), outs.pop()], dim=1)
    return _conv_norm(state, f"{name}.decoder", features)


def _run_decoder(state: State, sizes: Sizes, features: Tensor) -> Tensor:
    painted = functional.conv2d(features, *of(state, "decoder.fc"), padding=1)
    for number in range(sizes.decoder[2]):
        painted = _run_spade_block(state, f"decoder.G_middle_{number}", painted, features)
    for number in range(len(sizes.up)):
        painted = functional.interpolate(painted, scale_factor=2)
        painted = _run_spade_block(state, f"decoder.up_{number}", painted, features)
    painted = functional.conv2d(functional.leaky_relu(painted, 0.2), *of(state, "decoder.conv_img"), padding=1)
    return torch.sigmoid(painted)


def _run_spade_block(state: State, name: str, painted: Tensor, features: Tensor) -> Tensor:
    inside = functional.leaky_relu(_run_spade(state, f"{name}.norm_0", painted, features), 0.2)
    inside = _normed_conv(state, f"{name}.conv_0", inside, padding=1)
    inside = functional.leaky_relu(_run_spade(state, f"{name}.norm_1", inside, features), 0.2)
    inside = _normed_conv(state, f"{name}.conv_1", inside, padding=1)
    if f"{name}.conv_s.weight_orig" in state:
        shown = _run_spade(state, f"{name}.norm_s", painted, features)
        painted = _normed_conv(state, f"{name}.conv_s", shown, padding=0)
    return painted + inside


def _run_spade(state: State, name: str, painted: Tensor, features: Tensor) -> Tensor:
    features = functional.interpolate(features, size=painted.shape[2:], mode="nearest")
    shared = functional.relu(functional.conv2d(features, *of(state, f"{name}.mlp_shared.0"), padding=1))
    gamma = functional.conv2d(shared, *of(state, f"{name}.mlp_gamma"), padding=1)
    beta = functional.conv2d(shared, *of(state, f"{name}.mlp_beta"), padding=1)
    return functional.instance_norm(painted) * (1 + gamma) + beta
