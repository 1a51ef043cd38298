from dataclasses import replace
from itertools import combinations

import pytest
import small_sizes
import torch

from tavce.networks.generator import ATTENTION_PLACES, CorrelationAttention, FaceGenerator

WITHOUT_ATTENTION = replace(small_sizes.FACE_GENERATOR, attention_features=None)
PLACES = pytest.mark.parametrize("place", ATTENTION_PLACES)


def attending(place: str) -> FaceGenerator:
    return FaceGenerator(replace(small_sizes.FACE_GENERATOR, attention_at=place))


def inputs(batch: int = 2) -> tuple[torch.Tensor, ...]:
    keypoints = torch.rand(2, batch, 5, 3) * 2 - 1
    return torch.rand(batch, 3, 32, 32), keypoints[0], keypoints[1], torch.rand(batch, 7)


def test_the_untrained_fusion_is_exactly_the_identity():
    features = torch.randn(2, 24, 8, 8)
    assert torch.equal(CorrelationAttention(24, 7)(features, torch.rand(2, 7)), features)


def test_no_attention_is_an_attention_of_zeros_also_once_trained():
    fusion, features = CorrelationAttention(24, 7), torch.randn(2, 24, 8, 8)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter)
    torch.testing.assert_close(fusion(features, None), fusion(features, torch.zeros(2, 7)))


def test_a_trained_fusion_is_linear_of_features_plus_restored_attended_projection():
    fusion, features, attention = CorrelationAttention(24, 7), torch.randn(2, 24, 8, 8), torch.rand(2, 7)
    torch.nn.init.normal_(fusion.restore.weight)
    projected = torch.einsum("ac,bchw->bahw", fusion.project.weight[:, :, 0, 0], features)
    attended = (projected + fusion.project.bias[:, None, None]) * attention[:, :, None, None]
    restored = torch.einsum("ca,bahw->bchw", fusion.restore.weight[:, :, 0, 0], attended)
    torch.testing.assert_close(fusion(features, attention), features + restored, rtol=1e-4, atol=1e-4)


def test_what_a_portrait_decides_of_the_attention_is_the_same_for_every_voice():
    fusion, features, attention = CorrelationAttention(24, 7), torch.randn(1, 24, 8, 8), torch.rand(3, 7)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    once = fusion.attendable(features)
    expected = fusion(features.expand(3, -1, -1, -1), attention)
    torch.testing.assert_close(once.attended(attention), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(once.attended(None), fusion(features, None), atol=1e-4, rtol=1e-4)


def test_a_gradient_reaches_the_silent_half_of_the_fusion_where_the_attention_is_on():
    fusion, attention = CorrelationAttention(24, 7), torch.rand(2, 7)
    attention[:, 3] = 0
    fusion(torch.randn(2, 24, 8, 8), attention).square().sum().backward()
    reached = fusion.restore.weight.grad.abs().sum(dim=(0, 2, 3)) > 0
    assert reached.tolist() == [True, True, True, False, True, True, True]


@PLACES
def test_starting_from_the_same_weights_the_renderer_with_and_without_attention_agree(place):
    plain, attentive = FaceGenerator(WITHOUT_ATTENTION).eval(), attending(place).eval()
    missing = attentive.load_state_dict(plain.state_dict(), strict=False).missing_keys
    source, keypoints_source, keypoints_driving, attention = inputs()
    expected = plain(source, keypoints_source, keypoints_driving, None).prediction
    torch.testing.assert_close(attentive(source, keypoints_source, keypoints_driving, attention).prediction, expected)
    assert {name.split(".")[0] for name in missing} == {"attention"}


def test_a_renderer_without_the_fusion_refuses_an_attention():
    with pytest.raises(ValueError, match="attention_features None"):
        FaceGenerator(WITHOUT_ATTENTION)(*inputs())


def test_forward_is_render_of_what_encode_saw():
    generator = FaceGenerator(small_sizes.FACE_GENERATOR).eval()
    source, *motion = inputs()
    torch.testing.assert_close(
        generator.render(generator.encode(source), *motion).prediction, generator(source, *motion).prediction
    )


def test_a_frame_does_not_depend_on_its_neighbours_in_the_batch():
    generator, batch = FaceGenerator(small_sizes.FACE_GENERATOR).eval(), inputs(3)
    together = generator(*batch).prediction
    torch.testing.assert_close(generator(*(part.flip(0) for part in batch)).prediction, together.flip(0))


def test_the_rendering_has_the_sources_size_a_mask_that_sums_to_one_and_an_occlusion_between_none_and_all():
    rendering = FaceGenerator(small_sizes.FACE_GENERATOR)(*inputs())
    assert rendering.prediction.shape == (2, 3, 32, 32)
    torch.testing.assert_close(rendering.mask.sum(dim=1), torch.ones(2, 4, 8, 8))
    assert ((rendering.occlusion > 0) & (rendering.occlusion < 1)).all()


@PLACES
def test_an_attention_of_zeros_leaves_the_picture_as_it_is_also_where_the_fusion_is_awake(place):
    generator = attending(place).eval()
    torch.nn.init.normal_(generator.attention.restore.weight)
    source, *keypoints, attention = inputs()
    expected = generator(source, *keypoints, None).prediction
    assert torch.equal(generator(source, *keypoints, torch.zeros_like(attention)).prediction, expected)
    assert (generator(source, *keypoints, attention).prediction - expected).abs().max() > 1e-5


def test_the_attention_acts_on_other_features_at_every_place():
    weights = attending("features").state_dict()
    torch.nn.init.normal_(weights["attention.restore.weight"])
    batch, painted = inputs(), []
    for place in ATTENTION_PLACES:
        generator = attending(place).eval()
        generator.load_state_dict(weights)
        painted.append(generator(*batch).prediction)
    assert all((one - other).abs().max() > 1e-5 for one, other in combinations(painted, 2))


def test_the_attention_at_the_warped_volume_leaves_the_warp_as_it_is():
    generator, batch = attending("warped").eval(), inputs()
    torch.nn.init.normal_(generator.attention.restore.weight)
    without, with_attention = generator(*batch[:3], None), generator(*batch)
    assert torch.equal(without.mask, with_attention.mask)
    assert torch.equal(without.occlusion, with_attention.occlusion)


@PLACES
def test_a_gradient_reaches_the_voice_through_the_attention(place):
    generator = attending(place)
    torch.nn.init.normal_(generator.attention.restore.weight)
    *faces, attention = inputs()
    generator(*faces, attention.requires_grad_()).prediction.square().sum().backward()
    assert (attention.grad.abs() > 0).all()


def test_a_place_that_is_none_is_refused():
    with pytest.raises(ValueError, match="attention_at is 'mask', none of"):
        attending("mask")


@PLACES
def test_every_weight_of_the_renderer_is_trained_once_the_fusion_is_awake(place):
    generator = attending(place)
    torch.nn.init.normal_(generator.attention.restore.weight)
    generator(*inputs()).prediction.square().sum().backward()
    assert [name for name, parameter in generator.named_parameters() if parameter.grad is None] == []


def test_a_picture_the_hourglass_cannot_halve_is_refused():
    _, *motion = inputs()
    with pytest.raises(ValueError, match="height of the hourglass' input must be a multiple of 4, not 6"):
        FaceGenerator(small_sizes.FACE_GENERATOR)(torch.rand(2, 3, 24, 32), *motion)
