"""Published networks by the names and shapes of their entries, and what they compute, written down once more.

Nothing here knows of tavce's networks: the names follow from the rules of each layout, and every forward is plain
`torch.nn.functional` over entries of those names.
"""

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

Shapes = dict[str, tuple[int, ...]]
State = dict[str, Tensor]
Levels = tuple[int, int, int, int]
AUDIO = (  # channels in and out, kernel, stride, padding; those that keep their shape are residual
    (1, 32, 3, 1, 1),
    *[(32, 32, 3, 1, 1)] * 2,
    (32, 64, 3, (3, 1), 1),
    *[(64, 64, 3, 1, 1)] * 2,
    (64, 128, 3, 3, 1),
    *[(128, 128, 3, 1, 1)] * 2,
    (128, 256, 3, (3, 2), 1),
    (256, 256, 3, 1, 1),
    (256, 512, 3, 1, 0),
    (512, 512, 1, 1, 0),
)
IRESNET18 = (2, 2, 2, 2)
STAGES = ((64, 64), (64, 128), (128, 256), (256, 512))
ALIAS = "resnetblock_sequential"  # another name of `conv_block` in the release's generators
VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def norm(name: str, channels: int) -> Shapes:
    """Return the entries of a batch norm."""
    entries = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{entry}": (channels,) for entry in entries} | {f"{name}.num_batches_tracked": ()}


def affine(name: str, *shape: int) -> Shapes:
    """Return a weight and its bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def audio_encoder() -> Shapes:
    """Return Wav2Lip's audio encoder."""
    shapes: Shapes = {}
    for number, (incoming, channels, kernel, _, _) in enumerate(AUDIO):
        inside = f"audio_encoder.{number}.conv_block"
        shapes |= affine(f"{inside}.0", channels, incoming, kernel, kernel) | norm(f"{inside}.1", channels)
    return shapes


def correlation_audio_encoder() -> Shapes:
    """Return the release's audio encoder: Wav2Lip's and one layer."""
    return audio_encoder() | affine("fc", 128, 512)


def iresnet(embedding: int, levels: Levels = IRESNET18) -> Shapes:
    """Return ArcFace's iResNet with an embedding of so many entries and so many blocks a level."""
    shapes: Shapes = {"conv1.weight": (64, 3, 3, 3)} | norm("bn1", 64) | {"prelu.weight": (64,)}
    for number, (incoming, channels) in enumerate(STAGES, 1):
        for block in range(levels[number - 1]):
            inside = f"layer{number}.{block}"
            width = channels if block else incoming
            shapes |= norm(f"{inside}.bn1", width) | {f"{inside}.conv1.weight": (channels, width, 3, 3)}
            shapes |= norm(f"{inside}.bn2", channels) | {f"{inside}.prelu.weight": (channels,)}
            shapes |= {f"{inside}.conv2.weight": (channels, channels, 3, 3)} | norm(f"{inside}.bn3", channels)
            if block == 0:
                shapes |= {f"{inside}.downsample.0.weight": (channels, width, 1, 1)}
                shapes |= norm(f"{inside}.downsample.1", channels)
    return shapes | norm("bn2", 512) | affine("fc", embedding, 512 * 7 * 7) | norm("features", embedding)


def resnet18() -> Shapes:
    """Return torchvision's ResNet-18."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7)} | norm("bn1", 64)
    for number, (incoming, channels) in enumerate(STAGES, 1):
        for block in range(2):
            inside = f"layer{number}.{block}"
            width = channels if block else incoming
            shapes |= {f"{inside}.conv1.weight": (channels, width, 3, 3)} | norm(f"{inside}.bn1", channels)
            shapes |= {f"{inside}.conv2.weight": (channels, channels, 3, 3)} | norm(f"{inside}.bn2", channels)
            if block == 0 and number > 1:
                shapes |= {f"{inside}.downsample.0.weight": (channels, width, 1, 1)}
                shapes |= norm(f"{inside}.downsample.1", channels)
    return shapes | affine("fc", 1000, 512)


def generator(widths: tuple[int, ...] = (64, 128, 256, 512), attention: int = 128) -> Shapes:
    """Return the release's generator, whose residual blocks are in its checkpoints twice."""
    outer, inner = widths[0], widths[-1]
    shapes = _normed("model_down_img", 1, (outer, 3, 7, 7))
    for level, (incoming, channels) in enumerate(pairwise(widths)):
        shapes |= _normed("model_down_img", 4 + 3 * level, (channels, incoming, 3, 3))
    first = 1 + 3 * len(widths)
    for part, numbers in (("model_down_img", range(first, first + 5)), ("model_res_img", range(4))):
        for number in numbers:
            for alias in (ALIAS, "conv_block"):
                shapes |= _normed(f"{part}.{number}.{alias}", 1, (inner, inner, 3, 3))
                shapes |= _normed(f"{part}.{number}.{alias}", 5, (inner, inner, 3, 3))
    for level, (incoming, channels) in enumerate(pairwise(widths[::-1])):
        name = f"model_up_img.{3 * level}"
        shapes |= {f"{name}.weight": (incoming, channels, 3, 3), f"{name}.bias": (channels,)}
        shapes |= _statistics(f"model_up_img.{3 * level + 1}", channels)
    shapes |= affine("model_final_img.1", 3, outer, 7, 7)
    shapes |= {"proj1.0.weight": (attention, inner, 1, 1)} | _statistics("proj1.1", attention)
    return shapes | {"proj2.0.weight": (inner, attention, 1, 1)} | _statistics("proj2.1", inner)


def _normed(part: str, number: int, shape: tuple[int, int, int, int]) -> Shapes:
    return affine(f"{part}.{number}", *shape) | _statistics(f"{part}.{number + 1}", shape[0])


def _statistics(name: str, channels: int) -> Shapes:
    return {entry: shape for entry, shape in norm(name, channels).items() if not entry.endswith(("weight", "bias"))}


def numbers(shapes: Shapes, seed: int) -> State:
    """Return seeded entries with which values neither vanish nor explode on their way through a network."""
    random = torch.Generator().manual_seed(seed)
    state = {name: _entry(name, shape, random) for name, shape in shapes.items()}
    return {name: state.get(name.replace(ALIAS, "conv_block"), entry) for name, entry in state.items()}


def _entry(name: str, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    if not shape:
        return torch.tensor(7)
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return torch.rand(shape, generator=random) + 0.5
    inputs = max(1, torch.Size(shape[1:]).numel())
    return torch.randn(shape, generator=random) * (0.1 if len(shape) == 1 else (2 / inputs) ** 0.5)


def normalise(state: State, name: str, features: Tensor) -> Tensor:
    """Return what a batch norm makes of features in evaluation."""
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return functional.batch_norm(features, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-5)


def run_audio_encoder(state: State, mel: Tensor) -> Tensor:
    """Return Wav2Lip's 512 features."""
    features = mel
    for number, (incoming, channels, _, stride, padding) in enumerate(AUDIO):
        inside = f"audio_encoder.{number}.conv_block"
        weight, bias = state[f"{inside}.0.weight"], state[f"{inside}.0.bias"]
        convolved = normalise(state, f"{inside}.1", functional.conv2d(features, weight, bias, stride, padding))
        residual = incoming == channels and stride == 1 and padding == 1
        features = functional.relu(convolved + features if residual else convolved)
    return features.flatten(1)


def run_iresnet(state: State, picture: Tensor, levels: Levels = IRESNET18) -> Tensor:
    """Return the embedding."""
    return normalise(
        state, "features", functional.linear(iresnet_trunk(state, picture, levels).flatten(1), *of(state, "fc"))
    )


def iresnet_trunk(state: State, picture: Tensor, levels: Levels = IRESNET18) -> Tensor:
    """Return ArcFace's features before its last layer, [B, 512, 7, 7]."""
    features = functional.conv2d(picture, state["conv1.weight"], padding=1)
    features = functional.prelu(normalise(state, "bn1", features), state["prelu.weight"])
    for number, blocks in enumerate(levels, 1):
        for block in range(blocks):
            inside, stride = f"layer{number}.{block}", 1 if block else 2
            residual = normalise(state, f"{inside}.bn1", features)
            residual = functional.conv2d(residual, state[f"{inside}.conv1.weight"], padding=1)
            residual = functional.prelu(normalise(state, f"{inside}.bn2", residual), state[f"{inside}.prelu.weight"])
            residual = functional.conv2d(residual, state[f"{inside}.conv2.weight"], stride=stride, padding=1)
            features = normalise(state, f"{inside}.bn3", residual) + _downsampled(state, inside, features, stride)
    return normalise(state, "bn2", features)


def run_resnet18(state: State, picture: Tensor, border: Tensor) -> Tensor:
    """Return torchvision's 512 features of a picture of normalised colours, beyond whose border is one colour."""
    padded = border.reshape(1, 3, 1, 1).expand(len(picture), 3, picture.shape[2] + 6, picture.shape[3] + 6).clone()
    padded[:, :, 3:-3, 3:-3] = picture
    features = functional.conv2d(padded, state["conv1.weight"], stride=2)
    features = functional.max_pool2d(functional.relu(normalise(state, "bn1", features)), 3, 2, 1)
    for number in range(1, 5):
        for block in range(2):
            inside, stride = f"layer{number}.{block}", 2 if number > 1 and block == 0 else 1
            residual = functional.conv2d(features, state[f"{inside}.conv1.weight"], stride=stride, padding=1)
            residual = functional.relu(normalise(state, f"{inside}.bn1", residual))
            residual = functional.conv2d(residual, state[f"{inside}.conv2.weight"], padding=1)
            residual = normalise(state, f"{inside}.bn2", residual)
            features = functional.relu(residual + _downsampled(state, inside, features, stride))
    return functional.adaptive_avg_pool2d(features, 1).flatten(1)


def _downsampled(state: State, inside: str, features: Tensor, stride: int) -> Tensor:
    if f"{inside}.downsample.0.weight" not in state:
        return features
    projected = functional.conv2d(features, state[f"{inside}.downsample.0.weight"], stride=stride)
    return normalise(state, f"{inside}.downsample.1", projected)


def run_generator(state: State, frame: Tensor, attention: Tensor) -> Tensor:
    """Return the neighbouring frame, as the release's generator computes it while it learns."""
    levels = sum(name.startswith("model_up_img") and name.endswith("bias") for name in state)
    features = functional.relu(functional.instance_norm(_mirrored(state, "model_down_img.1", frame, 3)))
    for number in range(4, 4 + 3 * levels, 3):
        convolved = functional.conv2d(features, *of(state, f"model_down_img.{number}"), stride=2, padding=1)
        features = functional.relu(functional.instance_norm(convolved))
    first = 4 + 3 * levels
    for number in range(first, first + 5):
        features = _res_block(state, f"model_down_img.{number}.conv_block", features)
    narrow = functional.instance_norm(functional.conv2d(features, state["proj1.0.weight"]))
    wide = functional.conv2d(narrow * attention[:, :, None, None], state["proj2.0.weight"])
    features = features + functional.instance_norm(wide)
    for number in range(4):
        features = _res_block(state, f"model_res_img.{number}.conv_block", features)
    for number in range(0, 3 * levels, 3):
        weight, bias = of(state, f"model_up_img.{number}")
        convolved = functional.conv_transpose2d(features, weight, bias, stride=2, padding=1, output_padding=1)
        features = functional.relu(functional.instance_norm(convolved))
    return torch.tanh(_mirrored(state, "model_final_img.1", features, 3))


def _res_block(state: State, inside: str, features: Tensor) -> Tensor:
    middle = functional.relu(functional.instance_norm(_mirrored(state, f"{inside}.1", features, 1)))
    return features + functional.instance_norm(_mirrored(state, f"{inside}.5", middle, 1))


def _mirrored(state: State, name: str, features: Tensor, padding: int) -> Tensor:
    return functional.conv2d(functional.pad(features, (padding,) * 4, mode="reflect"), *of(state, name))


def of(state: State, name: str) -> tuple[Tensor, Tensor]:
    """Return a layer's weight and bias."""
    return state[f"{name}.weight"], state[f"{name}.bias"]


def vgg16() -> Shapes:
    """Return the convolutions of torchvision's VGG-16."""
    shapes: Shapes = {}
    incoming, layer = 3, 0
    for channels, convolutions in VGG16:
        for _ in range(convolutions):
            shapes |= affine(f"features.{layer}", channels, incoming, 3, 3)
            incoming, layer = channels, layer + 2
        layer += 1
    return shapes


def lpips(state: State, channels: State, one: Tensor, other: Tensor) -> Tensor:
    """Return LPIPS (v0.1) of two pictures in [-1, 1], from VGG-16's entries and those of its channels' weights."""
    total = torch.zeros(len(one))
    for level, (x, y) in enumerate(zip(_vgg16_levels(state, one), _vgg16_levels(state, other), strict=True)):
        x, y = (level_ / (level_.square().sum(dim=1, keepdim=True).sqrt() + 1e-10) for level_ in (x, y))
        weighted = functional.conv2d((x - y) ** 2, channels[f"lin{level}.model.1.weight"])
        total = total + weighted.mean(dim=(1, 2, 3))
    return total


def _vgg16_levels(state: State, picture: Tensor) -> list[Tensor]:
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    features = (picture - shift[:, None, None]) / scale[:, None, None]
    levels, layer = [], 0
    for _, convolutions in VGG16:
        for _ in range(convolutions):
            features = functional.relu(functional.conv2d(features, *of(state, f"features.{layer}"), padding=1))
            layer += 2
        layer += 1
        levels.append(features)
        features = functional.max_pool2d(features, 2)
    return levels
