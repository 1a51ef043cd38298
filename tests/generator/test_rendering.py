"""Facts about the renderer as it is used: the frames are those of the renderer itself, however many at once."""

import pytest
import torch
from tiny_corpus import EXPRESSION, tiny_settings

from tavce.generator.model import FaceRenderer
from tavce.generator.rendering import PortraitRenderer

COEFFICIENTS, FEATURES = EXPRESSION + 6, 6
PLACES = pytest.mark.parametrize("place", ["none", "features", "volume", "warped"])


def awake(place: str) -> FaceRenderer:
    """Return a renderer whose attention changes what it paints."""
    sizes = tiny_settings().renderers["ours"].networks
    model = FaceRenderer(sizes, COEFFICIENTS, None if place == "none" else FEATURES, place).eval()
    if place != "none":
        for parameter in model.generator.attention.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def given(place: str, count: int) -> tuple[torch.Tensor, ...]:
    source, windows = torch.rand(1, 3, 32, 32), torch.randn(count + 1, COEFFICIENTS, 27)
    attention = None if place == "none" else torch.rand(count, FEATURES)
    return source, windows[:1], windows[1:], attention


@PLACES
@pytest.mark.parametrize("silent", [False, True])
def test_a_frame_of_a_portrait_is_what_the_renderer_paints(place, silent):
    model = awake(place)
    source, own, windows, attention = given(place, 5)
    attention = None if silent else attention
    renderer = PortraitRenderer(model)
    painted = renderer.frames(renderer.look(source, own), windows, attention)
    with torch.no_grad():
        expected = model(source.expand(5, -1, -1, -1), own.expand(5, -1, -1), windows, attention).prediction
    torch.testing.assert_close(painted, expected, atol=1e-4, rtol=0)
    assert (painted[0] - painted[4]).abs().max() > 1e-4


@PLACES
def test_frames_are_the_same_batched_or_one_by_one(place):
    renderer = PortraitRenderer(awake(place))
    source, own, windows, attention = given(place, 7)
    seen = renderer.look(source, own)
    together = renderer.frames(seen, windows, attention)
    for size in (1, 3):
        parts = zip(windows.split(size), [None] * 7 if attention is None else attention.split(size), strict=False)
        apart = torch.cat([renderer.frames(seen, *part) for part in parts])
        torch.testing.assert_close(apart, together, atol=1e-4, rtol=0)


def test_an_attention_for_a_renderer_without_one_is_refused():
    renderer = PortraitRenderer(awake("none"))
    source, own, windows, _ = given("none", 1)
    with pytest.raises(ValueError, match="attention_features None"):
        renderer.frames(renderer.look(source, own), windows, torch.rand(1, FEATURES))
