import pytest
import small_sizes
import torch

from tavce.networks.encoders import AudioEncoder, CorrelationAudioEncoder, ResNet18Encoder, VisualEncoder


@pytest.mark.parametrize(
    ("network", "sizes", "shape"),
    [
        (AudioEncoder, small_sizes.AUDIO_ENCODER, (3, 1, 80, 16)),
        (CorrelationAudioEncoder, small_sizes.CORRELATION_AUDIO_ENCODER, (3, 1, 80, 16)),
        (VisualEncoder, small_sizes.VISUAL_ENCODER, (3, 3, 32, 32)),
        (ResNet18Encoder, small_sizes.VISUAL_ENCODER, (3, 3, 32, 32)),
    ],
)
def test_an_embedding_does_not_depend_on_its_neighbours_in_the_batch(network, sizes, shape):
    encoder, inputs = network(sizes).eval(), torch.randn(shape)
    embeddings = encoder(inputs)
    torch.testing.assert_close(encoder(inputs.flip(0)), embeddings.flip(0))
    torch.testing.assert_close(encoder(inputs[1:2]), embeddings[1:2])


def test_the_mel_window_is_used_from_end_to_end():
    mel = torch.randn(1, 1, 80, 16, requires_grad=True)
    AudioEncoder(small_sizes.AUDIO_ENCODER).eval()(mel).sum().backward()
    assert (mel.grad[0, 0].abs().sum(dim=0) > 0).all()


def test_the_audio_encoder_has_thirteen_convolutions():
    encoder = AudioEncoder(small_sizes.AUDIO_ENCODER)
    assert sum(isinstance(module, torch.nn.Conv2d) for module in encoder.modules()) == 13


@pytest.mark.parametrize("shape", [(1, 1, 80, 15), (1, 1, 16, 80), (1, 2, 80, 16)])
def test_a_mel_window_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"a mel window is \[1, 80, 16\], not "):
        AudioEncoder(small_sizes.AUDIO_ENCODER)(torch.zeros(shape))


@pytest.mark.parametrize("network", [VisualEncoder, ResNet18Encoder])
def test_a_picture_of_another_side_is_refused(network):
    with pytest.raises(ValueError, match=r"a picture is \[3, 32, 32\], not \[3, 48, 48\]"):
        network(small_sizes.VISUAL_ENCODER)(torch.zeros(2, 3, 48, 48))


def test_in_training_each_entry_of_the_visual_embedding_is_normed_over_the_batch():
    embeddings = VisualEncoder(small_sizes.VISUAL_ENCODER)(torch.randn(16, 3, 32, 32))
    torch.testing.assert_close(embeddings.mean(dim=0), torch.zeros(7), rtol=0, atol=1e-5)
    torch.testing.assert_close(embeddings.var(dim=0, correction=0), torch.ones(7), rtol=0, atol=1e-2)


@pytest.mark.parametrize("network", [VisualEncoder, ResNet18Encoder])
def test_every_trained_weight_of_a_visual_encoder_gets_a_gradient(network):
    encoder = network(small_sizes.VISUAL_ENCODER)
    encoder(torch.randn(4, 3, 32, 32)).square().sum(dim=0)[0].backward()
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None for parameter in trained)
