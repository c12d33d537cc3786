"""Interactions are kept as far as they stand out of the noise."""

import numpy as np
import pytest

from privacy.shrinkage import Interaction, kept_interactions


def tables(size: float, noise: float, rng: np.random.Generator, number: int = 30) -> dict[str, Interaction]:
    found = {}
    for i in range(number):
        values = rng.normal(scale=np.sqrt(size * 40 + noise), size=(4, 5))
        found[str(i)] = Interaction(values, np.full((4, 5), 40.0), noise, 20)
    return found


@pytest.mark.parametrize(("size", "noise"), [(2.0, 80.0), (5.0, 1000.0), (1.0, 10.0)])
def test_the_share_is_the_best_one(size: float, noise: float) -> None:
    kept = kept_interactions(tables(size, noise, np.random.default_rng(1)), 3.0)
    assert kept["0"].share == pytest.approx(size * 40 / (size * 40 + noise), abs=0.08)


def test_without_noise_all_is_kept_and_under_much_noise_the_belief_decides() -> None:
    assert kept_interactions({"a": Interaction(np.full((4, 5), 6.0), np.full((4, 5), 40.0), 0.0, 20)}, 3.0)[
        "a"
    ].share == pytest.approx(1)
    hopeless = kept_interactions({"a": Interaction(np.full((4, 5), 3e4), np.full((4, 5), 40.0), 1e9, 20)}, 3.0)["a"]
    assert hopeless.share < 1e-6
    assert 1.5 < hopeless.size < 6
    assert kept_interactions({}, 3.0) == {}


def test_where_nobody_is_expected_nothing_is_kept() -> None:
    sampling = np.array([[50.0, 0.01], [50.0, 0.01]])
    shares = kept_interactions({"a": Interaction(np.full((2, 2), 9.0), sampling, 30.0, 4)}, 3.0)["a"].shares
    assert shares[0, 0] > 0.6
    assert shares[0, 1] < 0.01
