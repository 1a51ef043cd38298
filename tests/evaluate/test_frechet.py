"""Facts about Fréchet distances of features, by their closed forms."""

import numpy as np
import pytest
import scipy.linalg

from tavce.evaluate.frechet import TooFewFramesError, frechet_distance, subset_distances

CLIPS = np.repeat(["a", "b", "c", "d"], 10)


def features(n: int, entries: int, seed: int) -> np.ndarray:
    """Return features that are correlated, as those of a network are."""
    random = np.random.default_rng(seed)
    return random.normal(size=(n, entries)) @ random.normal(size=(entries, entries)) + random.normal(size=entries)


def textbook(first: np.ndarray, second: np.ndarray) -> float:
    gap = first.mean(axis=0) - second.mean(axis=0)
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    return gap @ gap + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root).real


@pytest.mark.parametrize(("n", "m"), [(90, 90), (300, 70), (21, 400)])
def test_the_distance_is_the_textbooks_where_covariances_have_full_rank(n, m):
    first, second = features(n, 20, 1), features(m, 20, 2)
    assert frechet_distance(first, second) == pytest.approx(textbook(first, second), rel=1e-9)


def test_in_one_dimension_it_is_the_gap_of_the_means_and_of_the_deviations():
    first, second = np.random.default_rng(0).normal((1, 5), (2, 3), size=(40, 2)).T[..., None]
    expected = (first.mean() - second.mean()) ** 2 + (first.std(ddof=1) - second.std(ddof=1)) ** 2
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-12)


def test_of_entries_that_do_not_correlate_distances_add_up():
    """An orthogonal design has exactly diagonal covariances."""
    columns = scipy.linalg.hadamard(16)[:, 1:6].astype(float)
    first, second = columns * [1, 2, 3, 4, 5], columns * [2, 2, 1, 7, 0] + [0, 1, 0, -2, 3]
    alone = [frechet_distance(first[:, [entry]], second[:, [entry]]) for entry in range(5)]
    assert frechet_distance(first, second) == pytest.approx(sum(alone), rel=1e-12)


def test_fewer_features_than_entries_need_no_help():
    """Both sets lie in three dimensions, turned into fifty: distances do not change."""
    first, second = features(3, 3, 1), features(4, 3, 2)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 3)))[0].T
    assert frechet_distance(first @ turn, second @ turn) == pytest.approx(textbook(first, second), rel=1e-5)


def test_a_set_is_nowhere_from_itself_and_moved_as_far_as_it_was_moved():
    first = features(12, 30, 3)
    assert frechet_distance(first, first[::-1]) == pytest.approx(0, abs=1e-7 * 30 * first.var())
    assert frechet_distance(first, first + 2) == pytest.approx(30 * 4, rel=1e-6)


def test_the_order_of_the_two_does_not_matter_and_float32_is_enough():
    first, second = features(30, 12, 4), features(50, 12, 5)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-12)
    single = frechet_distance(first.astype(np.float32), second.astype(np.float32))
    assert single == pytest.approx(frechet_distance(first, second), rel=1e-5)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (np.zeros((5, 3)), "of 4 and of 3 entries"),
        (np.zeros((1, 4)), r"of shape \(1, 4\)"),
        (np.zeros(4), r"of shape \(4,\)"),
        (np.full((5, 4), np.nan), "no finite number"),
    ],
)
def test_what_has_no_covariance_is_refused(second, words):
    with pytest.raises(ValueError, match=words):
        frechet_distance(np.ones((5, 4)), second)


def test_a_subset_of_all_frames_is_the_distance_itself():
    made, real = features(40, 6, 1), features(40, 6, 2)
    distances = subset_distances(made, real, CLIPS, 40, 3, seed=1)
    assert distances == pytest.approx([frechet_distance(made, real)] * 3)


def test_subsets_are_drawn_anew_and_the_same_for_the_same_seed():
    made, real = features(40, 6, 1), features(40, 6, 2)
    distances = subset_distances(made, real, CLIPS, 20, 5, seed=1)
    assert len(set(distances)) == 5
    assert distances.tolist() == subset_distances(made, real, CLIPS, 20, 5, seed=1).tolist()
    assert not set(distances) & set(subset_distances(made, real, CLIPS, 20, 5, seed=2))


def drawn(clips: np.ndarray, n: int) -> set[tuple[str, int]]:
    """Return which frames a subset is made of: of one-entry features 2^row the mean tells."""
    bits = 2.0 ** np.arange(len(clips))
    gap = subset_distances(np.zeros((len(clips), 1)), bits[:, None], clips, n, 1, seed=3)[0]
    chosen = [rows for rows in _subsets(len(clips), n) if np.isclose(_moments(bits[rows]), gap, rtol=1e-12)]
    first = np.searchsorted(clips, clips)
    return {(str(clips[row]), int(row - first[row])) for row in chosen[0]}


def _subsets(count: int, n: int) -> list[list[int]]:
    rows = [[row for row in range(count) if mask >> row & 1] for mask in range(2**count)]
    return [chosen for chosen in rows if len(chosen) == n]


def _moments(values: np.ndarray) -> float:
    return values.mean() ** 2 + values.var(ddof=1)


def test_a_clip_that_a_method_lacks_costs_only_its_own_frames():
    clips = np.repeat(["a", "b", "c"], 4)
    without = clips[clips != "b"]
    lost = {frame for frame in drawn(clips, 6) if frame[0] == "b"}
    kept = drawn(clips, 6) - lost
    assert len(lost) in range(1, 6)
    assert kept <= drawn(without, 6)
    assert drawn(without, len(kept)) == kept


def test_the_order_of_clips_does_not_matter():
    made, real = features(40, 6, 1), features(40, 6, 2)
    turned = np.concatenate([np.arange(20, 40), np.arange(20)])
    distances = subset_distances(made, real, CLIPS, 20, 2, seed=1)
    assert subset_distances(made[turned], real[turned], CLIPS[turned], 20, 2, seed=1) == pytest.approx(distances)


def test_too_few_frames_have_no_distance():
    with pytest.raises(TooFewFramesError, match="40 frames have features, 41 are needed"):
        subset_distances(features(40, 6, 1), features(40, 6, 2), CLIPS, 41, 2, seed=1)


def test_frames_that_are_not_pairs_are_a_mistake():
    with pytest.raises(ValueError, match="40 made, 39 real frames of 40 clips"):
        subset_distances(features(40, 6, 1), features(39, 6, 2), CLIPS, 20, 2, seed=1)
