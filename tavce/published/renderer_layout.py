"""Published names of the face renderer's networks: face-vid2vid's, SadTalker's and those of the paper's release.

Spectral norm is published in its old form: `weight_orig`, `weight_u`, `weight_v`.
Generators come with the correlation's layers (the release: `proj1`, `proj2`, `linear`) and without (SadTalker).
"""

from collections.abc import Sequence

from tavce.published.layout import Layout, rewritten

_ATTENTION = "attention."
_SPECTRAL = (
    (r"(.*)\.parametrizations\.weight\.original$", r"\1.weight_orig"),
    (r"(.*)\.parametrizations\.weight\.0\._([uv])$", r"\1.weight_\2"),
)
_SPADE = (
    (r"decoder\.first\.", "decoder.fc."),
    (r"decoder\.to_rgb\.", "decoder.conv_img."),
    (r"decoder\.middle_blocks\.(\d+)\.", r"decoder.G_middle_\1."),
    (r"decoder\.up_blocks\.(\d+)\.", r"decoder.up_\1."),
    (r"(decoder\.(?:G_middle|up)_\d+)\.(conv|norm)1\.", r"\1.\2_0."),
    (r"(decoder\.(?:G_middle|up)_\d+)\.(conv|norm)2\.", r"\1.\2_1."),
    (r"(decoder\.up_\d+)\.shortcut_(conv|norm)\.", r"\1.\2_s."),
    (r"(decoder\..*)\.shared\.", r"\1.mlp_shared.0."),
    (r"(decoder\..*)\.scale\.", r"\1.mlp_gamma."),
    (r"(decoder\..*)\.shift\.", r"\1.mlp_beta."),
)
_GENERATOR = rewritten(
    (r"attention\.project\.", "proj1."),
    (r"attention\.restore\.", "proj2."),
    (r"attention\.linear\.", "linear."),
    (r"residual_blocks\.(\d+)\.", r"resblocks_3d.3dr\1."),
    (r"dense_motion\.", "dense_motion_network."),
    (r"(dense_motion_network\.hourglass)\.down_blocks\.", r"\1.encoder.down_blocks."),
    (r"(dense_motion_network\.hourglass)\.(up_blocks|conv|norm)\.", r"\1.decoder.\2."),
    *_SPADE,
    *_SPECTRAL,
)
_HEAD = (
    (r"head\.translation\.", "fc_t."),
    (r"head\.expression\.", "fc_exp."),
    (r"head\.pitch\.", "fc_pitch."),
)

GENERATOR_WITHOUT_FUSION = Layout(_GENERATOR, fresh=(_ATTENTION,))
GENERATOR_WITH_FUSION = Layout(_GENERATOR)

KEYPOINTS = Layout(
    rewritten(
        (r"downscale\.", "down."),
        (r"down_blocks\.(\d+)\.", r"predictor.down_blocks.down\1."),
        (r"lift\.", "predictor.conv."),
        (r"up_blocks\.(\d+)\.", r"predictor.up_blocks.up\1."),
        (r"heatmaps\.", "kp."),
    )
)

MAPPING = Layout(
    rewritten(
        (r"first\.", "first.0."),
        (r"residuals\.(\d+)\.", r"encoder\1.1."),
        (r"head\.(yaw|roll)\.", r"fc_\1."),
        *_HEAD,
    )
)


def discriminator(scales: Sequence[float]) -> Layout:
    """Return the layout of the multi-scale discriminator; published, its pyramid of pictures is not a part of it.

    Args:
        scales: those of the sizes, in their order: a discriminator is named by its scale, 0.5 as `0-5`.
    """
    named = {str(number): f"{scale:g}".replace(".", "-") for number, scale in enumerate(scales)}
    rename = rewritten(
        *((rf"discriminators\.{number}\.", f"discs.{scale}.") for number, scale in named.items()),
        (r"(discs\.[^.]+)\.blocks\.", r"\1.down_blocks."),
        (r"(discs\.[^.]+)\.score\.", r"\1.conv."),
        *_SPECTRAL,
    )
    return Layout(rename, fresh=("downscales.",))


def head_pose(blocks: Sequence[int]) -> Layout:
    """Return the layout of the head-pose/expression estimator.

    The output of the published `fc_roll` is used as yaw and that of `fc_yaw` as roll (released code), so they change
    places here; the mapping has them the right way round.

    Args:
        blocks: number of bottlenecks of each level, as in the sizes.
    """
    return Layout(
        rewritten(
            (r"stem\.0\.", "conv1."),
            (r"stem\.1\.", "norm1."),
            *_levels(blocks),
            (r"(block.*)\.residual\.0\.", r"\1.conv1."),
            (r"(block.*)\.residual\.1\.", r"\1.norm1."),
            (r"(block.*)\.residual\.3\.", r"\1.conv2."),
            (r"(block.*)\.residual\.4\.", r"\1.norm2."),
            (r"(block.*)\.residual\.6\.", r"\1.conv3."),
            (r"(block.*)\.residual\.7\.", r"\1.norm3."),
            (r"(block.*)\.shortcut\.0\.", r"\1.skip."),
            (r"(block.*)\.shortcut\.1\.", r"\1.norm4."),
            (r"head\.yaw\.", "fc_roll."),
            (r"head\.roll\.", "fc_yaw."),
            *_HEAD,
        )
    )


def _levels(blocks: Sequence[int]) -> list[tuple[str, str]]:
    """Return rules for the levels: convolution, norm, activation, then bottlenecks; a strided one has its own name."""
    rules, place = [], 0
    for level, count in enumerate(blocks):
        rules += [(rf"levels\.{place}\.", f"conv{level + 2}."), (rf"levels\.{place + 1}\.", f"norm{level + 2}.")]
        strided = level > 0
        for number in range(count):
            inside = 2 * level + 1
            theirs = f"block{inside}.b{inside}_{number - strided}."
            if strided and number == 0:
                theirs = f"block{2 * level}."
            rules.append((rf"levels\.{place + 3 + number}\.", theirs))
        place += 3 + count
    return rules
