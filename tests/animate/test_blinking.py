"""Facts about blinks: how often, how long, how far, and that a seed and nothing else decides them."""

import numpy as np

from tavce.animate.blinking import CLOSED, eye_signal, natural_blinks

RATE_HZ = 25
OWN = 0.12
TEN_MINUTES = natural_blinks(600 * RATE_HZ, RATE_HZ, OWN, seed=7)


def runs(eyes: np.ndarray) -> list[int]:
    """Return how many frames every stretch of half closed eyes lasts."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], eyes < OWN * 0.99, [0]]).astype(int)))
    return (edges[1::2] - edges[::2]).tolist()


def test_people_blink_between_rest_and_conversation_17_to_26_times_a_minute():
    assert 17 <= len(runs(TEN_MINUTES)) / 10 <= 26


def test_a_blink_takes_about_a_quarter_of_a_second():
    assert {*runs(TEN_MINUTES)} <= {5, 6, 7}


def test_eyes_are_between_almost_closed_and_the_portraits_own_opening():
    assert TEN_MINUTES.dtype == np.float32
    assert TEN_MINUTES.max() == np.float32(OWN)
    assert TEN_MINUTES.min() == np.float32(OWN * CLOSED)


def test_every_blink_closes_the_eyes():
    closed = np.isclose(TEN_MINUTES, OWN * CLOSED)
    assert closed.sum() == len(runs(TEN_MINUTES))


def test_gaps_between_blinks_differ():
    starts = np.flatnonzero(np.isclose(TEN_MINUTES, OWN * CLOSED)) / RATE_HZ
    gaps_s = np.diff(starts)
    assert gaps_s.min() > 0.5
    assert gaps_s.std() > 0.5


def test_a_seed_gives_the_same_blinks_and_another_seed_others():
    np.testing.assert_array_equal(natural_blinks(15_000, RATE_HZ, OWN, seed=7), TEN_MINUTES)
    assert (natural_blinks(15_000, RATE_HZ, OWN, seed=8) != TEN_MINUTES).any()


def test_the_first_minute_does_not_depend_on_the_length():
    for frames in (1, 74, 75, 76, 1500):
        np.testing.assert_array_equal(natural_blinks(frames, RATE_HZ, OWN, seed=7), TEN_MINUTES[:frames])


def test_a_model_is_told_how_far_eyes_are_open_and_a_converted_one_how_far_they_are_shut():
    shares = np.array([1.0, 0.25, 0.0])
    np.testing.assert_allclose(eye_signal(shares, OWN, closes=False), [OWN, OWN / 4, 0], rtol=1e-6)
    np.testing.assert_allclose(eye_signal(shares, OWN, closes=True), [0, 0.75, 1])
