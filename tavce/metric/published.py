"""Start the metric from published weights: their names are mapped to ours, and every shape is checked.

Reads   `tavce.weights`: wav2lip (key `state_dict`), arcface_iresnet18 and resnet18 (flat), tavce_metric (keys
        `image_encoder`, `audio_encoder`, `generator1` for the next frame, `generator2` for the one before)
Layers that a file has no entry for keep their seeded numbers: the embedding on top of Wav2Lip, ArcFace and ImageNet.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from tavce.config.learning import Metric
from tavce.networks.encoders import IRESNET18, ResNet18Encoder
from tavce.networks.perceptual import IMAGENET_MEAN, IMAGENET_STD
from tavce.published.coefficient_layout import AUDIO_ENCODER
from tavce.published.files import PublishedFile
from tavce.published.filling import fill
from tavce.published.layout import Layout

_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_RES_BLOCK = re.compile(r"(encode|decode)\.(\d+)\.residual\.(0|3)\.(.+)")
_GENERATOR_PARTS = {"encode": "model_down_img", "decode": "model_res_img"}
_BLOCKS_AFTER = 4  # residual blocks of the release's generators that stand before `model_up_img`
_HEAD = ("embed.", "embedding_norm.")


def start(networks: Mapping[str, nn.Module], recipe: Metric) -> None:
    """Lay the weights that a recipe starts from over its networks: `encoders`, and if there `next` and `previous`.

    Raises:
        InputError: a file is missing, cannot be read, or is of another network; names the entry that does not fit.
    """
    encoders = networks["encoders"]
    if recipe.audio_start == "wav2lip":
        fill(encoders.audio, PublishedFile.of("wav2lip").part("state_dict"), WAV2LIP)
    if recipe.visual_start == "arcface":
        fill(encoders.face, PublishedFile.of("arcface_iresnet18").whole(), ARCFACE)
    if recipe.visual_start == "imagenet":
        fill(encoders.face, PublishedFile.of("resnet18").whole(), IMAGENET)
        _take_minus_one_to_one(encoders.face)
    if recipe.visual_start == "tavce":  # and so audio_start
        file = PublishedFile.of("tavce_metric")
        fill(encoders.audio, file.part("audio_encoder"), AUDIO)
        fill(encoders.face, file.part("image_encoder"), VISUAL)
        for name, key in {"next": "generator1", "previous": "generator2"}.items():
            if name in networks:
                fill(networks[name], file.part(key), GENERATOR)


def _take_minus_one_to_one(face: ResNet18Encoder) -> None:
    """Let a stem that learnt from ImageNet's normalised colours see the same in pictures in [-1, 1].

    Equal but for the border, where padding is grey here and ImageNet's mean colour there.
    """
    conv, norm = face.stem[0], face.stem[1]
    mean, std = (torch.tensor(colour).reshape(3, 1, 1) for colour in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        norm.running_mean -= (conv.weight * (0.5 - mean) / std).sum(dim=(1, 2, 3))
        conv.weight *= 0.5 / std


def _audio_name(ours: str) -> str:
    return AUDIO_ENCODER.published(ours.removeprefix("audio.")).replace("embed.", "fc.", 1)


def visual_names(levels: Sequence[int]) -> Callable[[str], str]:
    """Return what names an entry of ours in ArcFace's iResNet, and in torchvision's ResNet-18 with its fewer layers.

    Args:
        levels: residual blocks of each level.
    """
    places = [f"layer{level}.{block}" for level, blocks in enumerate(levels, 1) for block in range(blocks)]

    def name(ours: str) -> str:
        block = _BLOCK.fullmatch(ours)
        if block is None:
            return _renamed(ours, {"stem.0": "conv1", "stem.1": "bn1", "stem.2": "prelu", "norm": "bn2"} | _HEAD_NAMES)
        norms = {f"norm{norm}": f"bn{norm}" for norm in (1, 2, 3)}
        inside = _renamed(block[2], {**norms, "activation": "prelu", "shortcut": "downsample"})
        return f"{places[int(block[1])]}.{inside}"

    return name


_HEAD_NAMES = {"embed": "fc", "embedding_norm": "features"}


def _generator_name(ours: str) -> str:
    block = _RES_BLOCK.fullmatch(ours)
    if block is not None:
        part, number, layer, entry = block.groups()
        number = int(number) + (part == "encode")  # a padding of its own comes first
        inside = {"0": 1, "3": 5}[layer]  # and before each convolution
        return f"{_GENERATOR_PARTS[part]}.{number}.resnetblock_sequential.{inside}.{entry}"
    part, _, rest = ours.partition(".")
    if part == "encode":
        number, entry = rest.split(".")
        return f"model_down_img.{int(number) + 1}.{entry}"
    if part == "decode":
        number, entry = rest.split(".")
        return f"model_up_img.{int(number) - _BLOCKS_AFTER}.{entry}"
    return _renamed(ours, {"fuse.project": "proj1", "fuse.restore": "proj2", "to_rgb": "model_final_img.1"})


def _renamed(name: str, starts: Mapping[str, str]) -> str:
    """Return a name with its start changed; starts are whole parts of names."""
    for start_, theirs in starts.items():
        if name.startswith(f"{start_}."):
            return theirs + name[len(start_) :]
    return name


AUDIO = Layout(_audio_name)
WAV2LIP = Layout(_audio_name, left_out=re.compile(r"(?!audio_encoder\.)"), fresh=_HEAD)
VISUAL = Layout(visual_names(IRESNET18))
ARCFACE = Layout(visual_names(IRESNET18), left_out=re.compile(r"(fc|features)\."), fresh=_HEAD)
IMAGENET = Layout(visual_names(IRESNET18), left_out=re.compile(r"fc\."), fresh=_HEAD)
GENERATOR = Layout(  # its residual blocks are registered twice; its norms' running statistics are not used
    _generator_name,
    left_out=re.compile(r".*\.(conv_block\.\d\.\w+|running_mean|running_var|num_batches_tracked)$"),
)
