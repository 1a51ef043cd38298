"""Published names of the networks from sound to motion coefficients: Wav2Lip's audio encoder, SadTalker's networks.

The published CVAE has entries for the layer of the log-variance, but its code used the mean's in its place: the layer
is as it was seeded there. Sampling does not need it.
"""

import re

from tavce.published.layout import Layout, rewritten

_BLOCKS = (
    (r"(.*?)blocks\.(\d+)\.conv\.", r"\1audio_encoder.\2.conv_block.0."),
    (r"(.*?)blocks\.(\d+)\.norm\.", r"\1audio_encoder.\2.conv_block.1."),
)
_CODER = r"((?:netG\.)?(?:en|de)coder)"
_UNET = rf"{_CODER}\.unet"
_CVAE = (
    (rf"{_CODER}\.style_bias$", r"\1.classbias"),
    (rf"{_CODER}\.audio\.", r"\1.linear_audio."),
    (rf"{_CODER}\.hidden\.", r"\1.MLP.L0."),
    (rf"{_CODER}\.sequence\.", r"\1.MLP.L1."),
    (rf"{_CODER}\.mean\.", r"\1.linear_means."),
    (rf"{_CODER}\.log_variance\.", r"\1.linear_logvar."),
    (rf"{_CODER}\.pose\.", r"\1.pose_linear."),
    (rf"{_UNET}\.first\.", r"\1.resunet.input_layer."),
    (rf"{_UNET}\.first_shortcut\.", r"\1.resunet.input_skip.0."),
    (rf"{_UNET}\.last\.", r"\1.resunet.output_layer.0."),
)
_RES_BLOCK = (
    (r"(.*\.resunet\.\w+)\.residual\.", r"\1.conv_block."),
    (r"(.*\.resunet\.\w+)\.shortcut\.", r"\1.conv_skip."),
)

AUDIO_ENCODER = Layout(rewritten(*_BLOCKS))
WAV2LIP = Layout(AUDIO_ENCODER.published, left_out=re.compile(r"(?!audio_encoder\.)"))
AUDIO2EXP = Layout(rewritten((r"audio\.", ""), *_BLOCKS, (r"linear\.", "mapping1.")))
POSE_DISCRIMINATOR = Layout(
    rewritten(
        (r"layers\.0\.", "seq.0.conv."),
        (r"layers\.1\.", "seq.0.norm."),
        (r"layers\.3\.", "seq.1.conv."),
        (r"layers\.4\.", "seq.1.norm."),
        (r"layers\.6\.", "seq.2.conv."),
        (r"layers\.7\.", "seq.2.norm."),
        (r"layers\.9\.", "seq.4."),
    )
)


def pose_cvae(levels: int) -> Layout:
    """Return the layout of the CVAE over head movement.

    Args:
        levels: number of `unet_channels`; the innermost of the blocks down is named `bridge`.
    """
    return Layout(rewritten(*_cvae(levels)))


def pose_model(levels: int) -> Layout:
    """Return the layout of the CVAE with its audio encoder; its discriminator, `netD_motion`, is left out.

    Published movements are in the coefficients' own units: `scale` and `gain` have no entry, and are one.

    Args:
        levels: number of `unet_channels`.
    """
    rename = rewritten((r"audio\.", "audio_encoder."), (r"cvae\.", "netG."), *_BLOCKS, *_cvae(levels))
    return Layout(rename, left_out=re.compile(r"netD_motion\."), fresh=("scale", "gain"))


def _cvae(levels: int) -> list[tuple[str, str]]:
    """Return rules for encoder and decoder, below `netG.` or not."""
    rules = [*_CVAE]
    for number in range(levels - 1):
        down = "bridge" if number == levels - 2 else f"residual_conv_{number + 1}"
        rules += [
            (rf"{_UNET}\.down_blocks\.{number}\.", rf"\1.resunet.{down}."),
            (rf"{_UNET}\.stretch\.{number}\.", rf"\1.resunet.upsample_{number + 1}.upsample."),
            (rf"{_UNET}\.up_blocks\.{number}\.", rf"\1.resunet.up_residual_conv{number + 1}."),
        ]
    return [*rules, *_RES_BLOCK]
