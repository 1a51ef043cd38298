"""The face renderer as a whole: portrait and coefficients to a picture.

Shapes: B samples, N coefficients, K keypoints, S side of a picture, A attention entries.
"""

from collections.abc import Mapping as State
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from tavce.config.generator import Renderer
from tavce.config.renderer_networks import RendererNetworks
from tavce.networks.decoder import SpadeDecoderSizes
from tavce.networks.dense_motion import DenseMotionSizes
from tavce.networks.generator import FaceGenerator, FaceGeneratorSizes
from tavce.networks.keypoints import KeypointDetector, KeypointDetectorSizes
from tavce.networks.mapping import Mapping, MappingSizes, transform_keypoints
from tavce.training import checkpoint


class RenderedFace(NamedTuple):
    """The picture in [0, 1], and the expression that the mapping moved its keypoints by."""

    prediction: Float[Tensor, "B 3 S S"]
    expression: Float[Tensor, "B K 3"]


class FaceRenderer(nn.Module):
    """Mapping, canonical keypoints and generator: everything that is needed to render."""

    def __init__(
        self,
        sizes: RendererNetworks,
        coefficients: int,
        attention_features: int | None,
        attention_at: str = "features",
    ):
        super().__init__()
        mapping = MappingSizes(coefficients=coefficients, keypoints=sizes.keypoints, **sizes.mapping.model_dump())
        detector = KeypointDetectorSizes(keypoints=sizes.keypoints, **sizes.detector.model_dump())
        generator = FaceGeneratorSizes(
            **sizes.generator.model_dump(),
            attention_features=attention_features,
            attention_at=attention_at,
            dense_motion=DenseMotionSizes(keypoints=sizes.keypoints, **sizes.dense_motion.model_dump()),
            decoder=SpadeDecoderSizes(**sizes.decoder.model_dump()),
        )
        self.mapping = Mapping(mapping)
        self.keypoints = KeypointDetector(detector)
        self.generator = FaceGenerator(generator)

    def forward(
        self,
        source: Float[Tensor, "B 3 S S"],
        source_window: Float[Tensor, "B N F"],
        target_window: Float[Tensor, "B N F"],
        attention: Float[Tensor, "B A"] | None,
    ) -> RenderedFace:
        """Return the source, in [0, 1], moved from its own coefficients to the target's."""
        canonical = self.keypoints(source)
        before = transform_keypoints(canonical, self.mapping(source_window))
        motion = self.mapping(target_window)
        after = transform_keypoints(canonical, motion)
        return RenderedFace(self.generator(source, before, after, attention).prediction, motion.expression)


def load_renderer(path: str | Path) -> tuple[FaceRenderer, Renderer]:
    """Return the renderer of a `best.pt` in evaluation mode, and the settings it was trained with.

    Raises:
        InputError: the checkpoint cannot be read, or is of another version.
    """
    return restore_renderer(path, checkpoint.load(path))


def restore_renderer(path: str | Path, state: State[str, Any]) -> tuple[FaceRenderer, Renderer]:
    """Return what `load_renderer` returns, of a loaded checkpoint; an error names `path`.

    Raises:
        InputError: it is of another version.
    """
    settings = checkpoint.section(path, state, "renderer")
    weights = state["networks"]["renderer"]
    attention = weights.get("generator.attention.project.bias")
    coefficients = weights["mapping.first.weight"].shape[1]
    features = None if attention is None else len(attention)
    model = FaceRenderer(settings.networks, coefficients, features, settings.attention)
    model.load_state_dict(weights)
    return model.eval(), settings
