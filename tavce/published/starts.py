"""Start the generator's networks from published weights, as `start` of their settings says.

Reads   `tavce.weights`: wav2lip (key `state_dict`), sadtalker (flat, with prefixes), facevid2vid (keys `generator`,
        `kp_detector`, `discriminator`), sadtalker_mapping (key `mapping`)
Layers that a file has no entry for keep their seeded numbers. The correlation's layers are in none of the files: as
they are built, they pass the features unchanged. The mapping of the other crops, mapping_00109, takes three more
coefficients (where the crop lies) and does not fit.
SadTalker's networks know Deep3DFaceRecon's coefficients: angles in radians, translation in that model's units.
"""

import logging
from collections.abc import Mapping

from torch import nn

from tavce.config.generator import Audio2Exp, Audio2Pose, Renderer
from tavce.published import coefficient_layout, renderer_layout
from tavce.published.files import PublishedFile
from tavce.published.filling import fill

log = logging.getLogger(__name__)


def start_audio2exp(network: nn.Module, settings: Audio2Exp) -> None:
    """Lay the weights that `start` names over an audio2exp.

    Raises:
        InputError: a file is missing, cannot be read, or is of another network; names the entry that does not fit.
    """
    if settings.start == "wav2lip":
        _fill_from_wav2lip(network.audio)
    elif settings.start == "sadtalker":
        part = PublishedFile.of("sadtalker").below("audio2exp")
        log.info("%s", fill(network, part, coefficient_layout.AUDIO2EXP))


def start_audio2pose(networks: Mapping[str, nn.Module], settings: Audio2Pose) -> None:
    """Lay the weights that `start` names over `pose` and, where the file has one, `discriminator`.

    SadTalker's movements are in the coefficients' own units: the model's scale becomes one.

    Raises:
        InputError: a file is missing, cannot be read, or is of another network; names the entry that does not fit.
    """
    pose = networks["pose"]
    if settings.start == "wav2lip":
        _fill_from_wav2lip(pose.audio)
    elif settings.start == "sadtalker":
        file = PublishedFile.of("sadtalker")
        layout = coefficient_layout.pose_model(len(settings.unet_channels))
        log.info("%s", fill(pose, file.below("audio2pose"), layout))
        pose.scale.fill_(1)
        if file.names_below("audio2pose.netD_motion"):
            part = file.below("audio2pose.netD_motion")
            log.info("%s", fill(networks["discriminator"], part, coefficient_layout.POSE_DISCRIMINATOR))


def start_renderer(networks: Mapping[str, nn.Module], settings: Renderer) -> None:
    """Lay the weights that `start` names over `renderer` and, where there is one here and there, `discriminator`.

    Raises:
        InputError: a file is missing, cannot be read, or is of another network; names the entry that does not fit.
    """
    model = networks["renderer"]
    if settings.start == "sadtalker":
        file = PublishedFile.of("sadtalker")
        parts = file.below("generator"), file.below("kp_extractor")
    elif settings.start in ("facevid2vid", "sadtalker_pth"):
        file = PublishedFile.of("facevid2vid")
        parts = file.part("generator"), file.part("kp_detector")
        if "discriminator" in networks and file.has("discriminator"):
            layout = renderer_layout.discriminator(settings.networks.discriminator.scales)
            log.info("%s", fill(networks["discriminator"], file.part("discriminator"), layout))
    else:
        return
    log.info("%s", fill(model.generator, parts[0], renderer_layout.GENERATOR_WITHOUT_FUSION))
    log.info("%s", fill(model.keypoints, parts[1], renderer_layout.KEYPOINTS))
    if settings.start != "facevid2vid":
        part = PublishedFile.of("sadtalker_mapping").part("mapping")
        log.info("%s", fill(model.mapping, part, renderer_layout.MAPPING))


def _fill_from_wav2lip(encoder: nn.Module) -> None:
    log.info("%s", fill(encoder, PublishedFile.of("wav2lip").part("state_dict"), coefficient_layout.WAV2LIP))
