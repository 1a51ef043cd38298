"""The face renderer as it is used: what does not depend on the frame is computed once a portrait.

The same frames as the renderer makes one by one, to rounding, for fewer operations: the decoder is folded
(`networks.folded`), the attention is split into what the portrait and what the voice decides, and where the attention
acts behind it, the feature volume and what the dense motion sees of it are the portrait's alone.
Shapes: B frames, N coefficients, F frames of a window, K keypoints, S side of a picture, A attention entries,
[1, C, D, h, w] the feature volume.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from tavce.generator.model import FaceRenderer
from tavce.networks.folded import FoldedDecoder
from tavce.networks.generator import Attendable
from tavce.networks.mapping import transform_keypoints


@dataclass(frozen=True)
class Seen:
    """What a portrait looks like and where its keypoints are."""

    canonical: Float[Tensor, "1 K 3"]
    keypoints: Float[Tensor, "1 K 3"]
    heatmaps: Float[Tensor, "1 K D h w"]
    features: Attendable | None  # where the attention acts on the features or on their volume
    volume: Float[Tensor, "1 C D h w"] | None  # where every frame has the same
    compressed: Float[Tensor, "1 C2 D h w"] | None


class PortraitRenderer:
    """Paints frames of a portrait with a renderer in evaluation mode, on its device."""

    def __init__(self, renderer: FaceRenderer):
        self._renderer = renderer
        self._generator = renderer.generator
        self._decoder = FoldedDecoder(renderer.generator.decoder)

    @property
    def _place(self) -> str:
        generator = self._generator
        return "none" if generator.attention is None else generator.sizes.attention_at

    @torch.no_grad()
    def look(self, source: Float[Tensor, "1 3 S S"], source_window: Float[Tensor, "1 N F"]) -> Seen:
        """Return what does not depend on the frame, of a portrait in [0, 1] and its own coefficients."""
        generator, place = self._generator, self._place
        canonical = self._renderer.keypoints(source)
        keypoints = transform_keypoints(canonical, self._renderer.mapping(source_window))
        encoded = generator.encode(source)
        grid = self._volume(encoded)
        heatmaps = generator.dense_motion.heatmaps(keypoints, grid)
        if place == "features":
            return Seen(canonical, keypoints, heatmaps, generator.attention.attendable(encoded), None, None)
        volume = generator.residual_blocks(grid)
        if place == "volume":
            attendable = generator.attention.attendable(volume.flatten(1, 2))
            return Seen(canonical, keypoints, heatmaps, attendable, None, None)
        return Seen(canonical, keypoints, heatmaps, None, volume, generator.dense_motion.compressed(volume))

    @torch.no_grad()
    def frames(
        self, seen: Seen, windows: Float[Tensor, "B N F"], attention: Float[Tensor, "B A"] | None
    ) -> Float[Tensor, "B 3 S S"]:
        """Return the frames of windows, each with its own; batched or one by one, they are the same to rounding.

        Raises:
            ValueError: an attention is given to a renderer built without one.
        """
        generator, count = self._generator, len(windows)
        if generator.attention is None and attention is not None:
            raise ValueError("this renderer has attention_features None and can make no use of an attention")
        driving = transform_keypoints(seen.canonical.expand(count, -1, -1), self._renderer.mapping(windows))
        volume, compressed = self._seen_now(seen, attention)
        volume = volume.expand(count, *volume.shape[1:])
        compressed = compressed.expand(count, *compressed.shape[1:])
        motion = generator.dense_motion.move(compressed, seen.heatmaps, seen.keypoints, driving)
        warped = functional.grid_sample(volume, motion.deformation, align_corners=False).flatten(1, 2)
        if self._place == "warped":
            warped = generator.attention(warped, attention)
        return self._decoder(generator.fourth(generator.third(warped)) * motion.occlusion)

    def _seen_now(self, seen: Seen, attention: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the feature volume, and what the dense motion sees of it; of one frame where all have the same."""
        if seen.volume is not None:
            return seen.volume, seen.compressed
        volume = self._volume(seen.features.attended(attention))
        if self._place == "features":
            volume = self._generator.residual_blocks(volume)
        return volume, self._generator.dense_motion.compressed(volume)

    def _volume(self, features: Tensor) -> Tensor:
        return features.unflatten(1, (-1, self._generator.sizes.dense_motion.volume_depth))
