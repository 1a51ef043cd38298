"""Audio2Exp and Audio2Pose: speech to coefficients."""

from dataclasses import replace

import pytest
import small_sizes
import torch

from tavce.networks.audio2exp import Audio2Exp
from tavce.networks.audio2pose import PoseCvae, PoseDiscriminator
from tavce.networks.sequence_unet import SequenceUnet


def pose_inputs(batch: int = 2) -> tuple[torch.Tensor, ...]:
    style = torch.arange(batch) % 4
    return torch.randn(batch, 8, 6), torch.randn(batch, 6), torch.randn(batch, 8, 12), style


@pytest.mark.parametrize("frames", [1, 5, 10])
def test_expression_comes_frame_by_frame_for_any_number_of_frames(frames):
    network = Audio2Exp(small_sizes.AUDIO2EXP).eval()
    mel, reference, blink = torch.randn(2, frames, 1, 80, 16), torch.randn(2, frames, 9), torch.rand(2, frames, 1)
    expression = network(mel, reference, blink)
    last = network(mel[:, -1:], reference[:, -1:], blink[:, -1:])
    torch.testing.assert_close(expression[:, -1:], last)


def test_the_blink_ratio_acts_linearly():
    network = Audio2Exp(small_sizes.AUDIO2EXP).eval()
    mel, reference = torch.randn(1, 1, 1, 80, 16), torch.randn(1, 1, 9)
    at = {ratio: network(mel, reference, torch.full((1, 1, 1), ratio)) for ratio in (0.0, 0.5, 1.0)}
    torch.testing.assert_close(at[0.5], (at[0.0] + at[1.0]) / 2)


def test_the_unet_keeps_the_sequences_shape_and_ends_between_zero_and_one():
    smoothed = SequenceUnet((4, 6, 8))(10 * torch.randn(2, 8, 5))
    assert smoothed.shape == (2, 8, 5)
    assert ((smoothed > 0) & (smoothed < 1)).all()


def test_the_unet_refuses_a_sequence_it_cannot_halve():
    with pytest.raises(ValueError, match="number of frames of the sequence must be a multiple of 4, not 6"):
        SequenceUnet((4, 6, 8))(torch.zeros(1, 6, 5))


def test_an_untrained_decoder_can_move_three_standard_deviations_either_way():
    last = PoseCvae(small_sizes.POSE_CVAE).decoder.pose
    torch.testing.assert_close(
        last(torch.tensor([[0.0] * 6, [0.5] * 6, [1.0] * 6])), torch.tensor([[-3.0], [0], [3]]).expand(3, 6)
    )


def test_log_variance_and_mean_come_from_layers_of_their_own():
    cvae = PoseCvae(small_sizes.POSE_CVAE)
    torch.nn.init.zeros_(cvae.encoder.log_variance.weight)
    cvae.encoder.log_variance.bias.data.fill_(-3)
    reconstruction = cvae(*pose_inputs())
    torch.testing.assert_close(reconstruction.log_variance, torch.full((2, 5), -3.0))
    assert (reconstruction.mean + 3).abs().min() > 0


def test_a_code_without_variance_is_its_mean():
    cvae = PoseCvae(small_sizes.POSE_CVAE).eval()
    torch.nn.init.zeros_(cvae.encoder.log_variance.weight)
    cvae.encoder.log_variance.bias.data.fill_(-200)
    motion, reference, audio, style = pose_inputs()
    reconstruction = cvae(motion, reference, audio, style)
    torch.testing.assert_close(reconstruction.motion, cvae.sample(reference, audio, style, reconstruction.mean))


def test_codes_are_drawn_with_the_standard_deviation_of_their_log_variance():
    cvae = PoseCvae(small_sizes.POSE_CVAE).eval()
    torch.nn.init.zeros_(cvae.encoder.log_variance.weight)
    cvae.encoder.log_variance.bias.data.fill_(2 * torch.log(torch.tensor(3.0)))
    drawn = []
    cvae.decoder.register_forward_pre_hook(lambda _, arguments: drawn.append(arguments[0]))
    reconstruction = cvae(*pose_inputs(512))
    spread = (drawn[0] - reconstruction.mean).std()
    torch.testing.assert_close(spread, torch.tensor(3.0), rtol=0.05, atol=0)


def test_the_same_code_gives_the_same_motion_and_another_style_another():
    cvae = PoseCvae(small_sizes.POSE_CVAE).eval()
    _, reference, audio, style = pose_inputs()
    code = torch.randn(2, 5)
    motion = cvae.sample(reference, audio, style, code)
    assert torch.equal(cvae.sample(reference, audio, style, code), motion)
    assert not torch.equal(cvae.sample(reference, audio, style + 1, code), motion)


def test_motion_of_one_sequence_does_not_depend_on_its_neighbours_in_the_batch():
    cvae = PoseCvae(small_sizes.POSE_CVAE).eval()
    _, reference, audio, style = pose_inputs(3)
    code = torch.randn(3, 5)
    flipped = cvae.sample(reference.flip(0), audio.flip(0), style.flip(0), code.flip(0))
    torch.testing.assert_close(flipped, cvae.sample(reference, audio, style, code).flip(0))


def test_building_the_network_twice_from_one_layout_gives_loadable_weights():
    first, second = PoseCvae(small_sizes.POSE_CVAE), PoseCvae(small_sizes.POSE_CVAE)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.encoder.hidden.weight, first.encoder.hidden.weight)


def test_sequences_of_another_length_are_refused():
    cvae = PoseCvae(small_sizes.POSE_CVAE)
    motion, reference, audio, style = pose_inputs()
    with pytest.raises(ValueError, match="motion has 4 frames, not 8"):
        cvae(motion[:, :4], reference, audio, style)
    with pytest.raises(ValueError, match="audio has 4 frames, not 8"):
        cvae.sample(reference, audio[:, :4], style, torch.randn(2, 5))


def test_the_pose_discriminator_gives_one_score_every_four_frames():
    assert PoseDiscriminator(small_sizes.POSE_DISCRIMINATOR)(torch.randn(2, 32, 6)).shape == (2, 8)


def test_a_score_of_the_pose_discriminator_sees_its_stretch_and_not_the_whole():
    sizes = replace(small_sizes.POSE_DISCRIMINATOR, channels=(16, 16, 16))
    motion = torch.randn(1, 64, 6, requires_grad=True)
    PoseDiscriminator(sizes).eval()(motion)[0, 8].backward()
    seen = (motion.grad[0].abs().sum(dim=1) > 0).nonzero().flatten()
    assert 32 in seen
    assert len(seen) < 32
