import pytest
import small_sizes
import torch

from tavce.networks.reconstruction import AttentionFusion, ReconstructionGenerator


def test_the_frame_comes_back_in_its_own_size_between_minus_one_and_one():
    frame = ReconstructionGenerator(small_sizes.RECONSTRUCTION)(torch.rand(2, 3, 16, 24) * 2 - 1, torch.rand(2, 7))
    assert frame.shape == (2, 3, 16, 24)
    assert frame.abs().max() <= 1


def test_training_and_evaluation_compute_the_same_function():
    generator = ReconstructionGenerator(small_sizes.RECONSTRUCTION)
    frame, attention = torch.randn(2, 3, 16, 16), torch.rand(2, 7)
    trained = generator.train()(frame, attention)
    torch.testing.assert_close(generator.eval()(frame, attention), trained)


def test_no_running_statistics_are_kept():
    assert list(ReconstructionGenerator(small_sizes.RECONSTRUCTION).buffers()) == []


def test_an_attention_of_zeros_leaves_the_features_as_they_are():
    features = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(AttentionFusion(8, 7)(features, torch.zeros(2, 7)), features)


def test_the_attention_changes_the_frame_and_can_be_learnt_from():
    generator, attention = ReconstructionGenerator(small_sizes.RECONSTRUCTION), torch.rand(1, 7, requires_grad=True)
    generator(torch.randn(1, 3, 16, 16), attention).square().sum().backward()
    assert (attention.grad.abs() > 0).all()


@pytest.mark.parametrize(("shape", "name"), [((1, 3, 18, 16), "height"), ((1, 3, 16, 18), "width")])
def test_a_frame_that_does_not_halve_is_refused(shape, name):
    with pytest.raises(ValueError, match=f"{name} of the frame must be a multiple of 4, not 18"):
        ReconstructionGenerator(small_sizes.RECONSTRUCTION)(torch.zeros(shape), torch.zeros(1, 7))
