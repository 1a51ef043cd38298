"""Facts about compiled networks: the same weights under the same names, and plain words without a compiler."""

import pytest
import torch
from toy_training import Toy, training

from tavce.records import InputError
from tavce.training import acceleration, checkpoint


def test_a_compiled_network_learns_the_same_and_its_checkpoints_are_those_of_one_that_is_not(tmp_path, monkeypatch):
    """The backend `eager` runs what the compiler has traced as it is, without making kernels of it."""
    monkeypatch.setattr(acceleration, "BACKEND", "eager")
    torch.compiler.reset()
    compiled, plain = (
        Toy(tmp_path / "compiled", training(compile=True, ema=0.9)),
        Toy(tmp_path / "plain", training(ema=0.9)),
    )
    assert compiled.run() == plain.run()
    assert compiled.learner.networks["weight"].module._compiled_call_impl is not None
    for name in ("last.ckpt", "best.pt"):
        mine, theirs = (checkpoint.load(tmp_path / folder / name)["networks"] for folder in ("compiled", "plain"))
        torch.testing.assert_close(mine, theirs, atol=0, rtol=0)


def test_compiling_without_a_compiler_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    with pytest.raises(InputError, match=r"compile needs a C\+\+ compiler, and there is no no-such-comp"):
        Toy(tmp_path, training(compile=True)).run()


def test_pictures_are_laid_out_channels_last_where_the_settings_say_so_and_nothing_else_is():
    batch = {"picture": torch.randn(2, 3, 4, 5), "window": torch.randn(2, 3, 4)}
    for wanted in (True, False):
        given = acceleration.laid_out(batch, training(channels_last=wanted))
        assert given["picture"].is_contiguous(memory_format=torch.channels_last) == wanted
        assert given["window"] is batch["window"]
        torch.testing.assert_close(given, batch, atol=0, rtol=0)
