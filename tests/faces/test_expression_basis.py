"""Facts about the map from expression coefficients to pose-free landmarks."""

import numpy as np
import pytest
import torch

from tavce.faces.basis import ExpressionBasis, explained_share
from tavce.faces.mean_face import MEAN_FACE
from tavce.generator.audio2exp import FrontalFace


def linear_faces(frames: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients [n, 5], the landmarks [n, 68, 2] they make, and the map [5, 136] that makes them."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(5, 136)) * 0.1
    expression = random.normal(size=(frames, 5)) + 3
    frontal = MEAN_FACE[:, :2] + (expression @ rows).reshape(-1, 68, 2)
    return expression, frontal + noise * random.normal(size=frontal.shape), rows


def test_a_map_fitted_to_coefficients_gives_their_landmarks_back(tmp_path):
    expression, frontal, rows = linear_faces(40)
    ExpressionBasis.fit_map(expression, frontal, "toy").save(tmp_path / "basis.npz")
    basis = ExpressionBasis.load(tmp_path / "basis.npz")
    np.testing.assert_allclose(basis.frontal(expression), frontal, atol=1e-4)
    np.testing.assert_allclose(basis.components * basis.scale, rows, atol=1e-4)
    assert (basis.backend, basis.explained) == ("toy", pytest.approx(1))


def test_a_fitted_map_is_what_audio2exp_s_losses_see():
    expression, frontal, _ = linear_faces(40)
    basis = ExpressionBasis.fit_map(expression, frontal, "toy")
    seen = FrontalFace(basis)(torch.from_numpy(expression.astype(np.float32)))
    np.testing.assert_allclose(seen, frontal, atol=1e-4)


def test_what_coefficients_cannot_say_of_landmarks_is_not_explained():
    expression, frontal, rows = linear_faces(4000, noise=0.1)
    made = np.square(rows * 1.0).sum()  # coefficients have variance 1
    basis = ExpressionBasis.fit_map(expression, frontal, "toy")
    assert basis.explained == pytest.approx(made / (made + 136 * 0.01), abs=0.01)


def test_coefficients_that_repeat_each_other_still_have_a_map():
    expression, frontal, _ = linear_faces(40)
    twice = np.concatenate([expression, expression], axis=1)
    np.testing.assert_allclose(ExpressionBasis.fit_map(twice, frontal, "toy").frontal(twice), frontal, atol=1e-4)


def test_fewer_frames_than_coefficients_have_no_map():
    expression, frontal, _ = linear_faces(4)
    with pytest.raises(ValueError, match="4 frames cannot give 5 components"):
        ExpressionBasis.fit_map(expression, frontal, "toy")


def test_the_explained_share_is_of_the_variance_and_no_constant_difference_counts():
    true = np.array([[2.0, 0.0], [-2.0, 4.0]])
    assert explained_share(true, true + np.array([5, -3])) == 1
    assert explained_share(true, np.array([[2.0, 0.0], [-2.0, 2.0]])) == pytest.approx(1 - 1 / 8)
    assert explained_share(true, -true) == pytest.approx(-3)
    assert explained_share(np.ones((3, 2)), np.zeros((3, 2))) == 1
