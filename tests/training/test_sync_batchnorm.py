"""Facts about the metric's real command by two ranks, whose batch norm is over both or over each one's own samples.

Two ranks have two samples a step each, one has the same four. All run in double precision: in single precision the
rounding of sums in another order is blown up by Adam, which steps as far for a gradient of 1e-9 as for one of 1.
"""

from collections.abc import Callable

import pytest
import torch
from stage_pair import Pair
from tiny_runs import workplace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def make(tmp_path_factory, tiny, mlflow_template) -> Callable[..., Pair]:
    """Return what trains the metric by so many ranks, on the same draws whatever their number."""

    def made(tasks: int, **training: object) -> Pair:
        changes = {"batch": 4 // tasks, "validate_batches": 2 * tasks, **training}
        folder = tmp_path_factory.mktemp("joint")
        pair = Pair("metric", workplace(folder, tiny, mlflow_template, metrics={"paper": {"training": changes}}))
        assert pair.run(tasks, DOUBLE="1") == [0] * tasks
        return pair

    return made


@pytest.fixture(scope="module")
def one(make) -> Pair:
    return make(1)


def of_weights(one: Pair, two: Pair) -> float:
    """Return the largest difference of any weight or statistic after all steps."""
    networks = zip(one.left(0).values(), two.left(0).values(), strict=True)
    return max(float((mine[name] - theirs[name]).abs().max()) for mine, theirs in networks for name in mine)


def of_losses(one: Pair, two: Pair, names: tuple[str, ...]) -> float:
    """Return the largest difference of any of these numbers at any step."""
    lines = zip(one.place.history("metric"), two.place.history("metric"), strict=True)
    return max(abs(mine[name] - theirs[name]) for mine, theirs in lines for name in names if name in mine)


def test_two_ranks_that_share_their_batch_norm_learn_what_one_learns_from_the_joined_batch(make, one):
    two = make(2, sync_batchnorm=True)
    assert of_losses(one, two, ("loss", "positive", "negative")) < 1e-11
    assert of_losses(one, two, ("val_loss", "val_positive", "val_negative", "val_auc_audio")) < 1e-6
    assert of_weights(one, two) < 1e-7  # most, of biases before a batch norm: their gradients are but rounding
    torch.testing.assert_close(two.left(0), two.left(1), rtol=0, atol=0)  # statistics of batch norm included


def test_two_ranks_that_do_not_learn_something_else(make, one):
    two = make(2)
    assert of_losses(one, two, ("loss",)) > 0.01
    assert of_weights(one, two) > 0.01
