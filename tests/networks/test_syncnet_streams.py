import torch

from tavce.networks.syncnet import SyncNetStreams

PUBLISHED_BYTES = 54_573_114  # of syncnet_v2.model


def test_the_numbers_fill_the_published_file_but_for_its_table_of_contents():
    with torch.device("meta"):
        streams = SyncNetStreams()
    assert sum(parameter.numel() for parameter in streams.parameters()) == 13_631_616
    size = sum(entry.numel() * entry.element_size() for entry in streams.state_dict().values())
    assert 0 < PUBLISHED_BYTES - size < 20_000


def test_entries_are_named_as_published():
    with torch.device("meta"):
        shapes = {name: tuple(entry.shape) for name, entry in SyncNetStreams().state_dict().items()}
    weights = {name: shape for name, shape in shapes.items() if name.endswith(".weight")}
    convolutions = (0, 4, 8, 11, 14, 18)
    expected = [
        f"{cnn}.{layer + norm}" for cnn in ("netcnnaud", "netcnnlip") for layer in convolutions for norm in (0, 1)
    ]
    expected += [f"{fc}.{layer}" for fc in ("netfcaud", "netfclip") for layer in (0, 1, 3)]
    assert list(weights) == [f"{name}.weight" for name in expected]
    assert len(shapes) == 102
    assert shapes["netcnnaud.18.weight"] == (512, 256, 5, 4)
    assert shapes["netcnnlip.0.weight"] == (96, 3, 5, 7, 7)
    assert shapes["netcnnlip.18.weight"] == (512, 256, 1, 6, 6)
    assert shapes["netfclip.3.weight"] == (1024, 512)


def test_a_file_from_before_batches_were_counted_loads_strictly():
    streams = SyncNetStreams()
    old = {name: entry for name, entry in streams.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert len(old) == 102 - 14
    streams.load_state_dict(old)


def test_a_run_of_frames_gives_the_embeddings_of_its_windows_one_by_one():
    streams, frames = SyncNetStreams(), 255 * torch.rand(2, 3, 7, 224, 224)
    together = streams.lips(frames)
    assert together.shape == (2, 3, 1024)
    torch.testing.assert_close(streams.lips(frames[1:, :, 1:6])[:, 0], together[1:, 1])
    torch.testing.assert_close(streams.lips(frames[:1, :, 2:7])[:, 0], together[:1, 2])


def test_an_embedding_of_sound_does_not_depend_on_its_neighbours():
    streams, cepstra = SyncNetStreams(), 10 * torch.randn(3, 1, 13, 20)
    together = streams.sound(cepstra)
    assert together.shape == (3, 1024)
    torch.testing.assert_close(streams.sound(cepstra[1:2]), together[1:2])


def test_statistics_never_drift_and_weights_get_no_gradient():
    streams = SyncNetStreams().train()
    before = streams.netcnnaud[1].running_mean.clone()
    cepstra = torch.randn(2, 1, 13, 20, requires_grad=True)
    streams.sound(cepstra).sum().backward()
    assert torch.equal(streams.netcnnaud[1].running_mean, before)
    assert cepstra.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in streams.parameters())
