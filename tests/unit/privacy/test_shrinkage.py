"""Interactions are kept as far as they stand out of the noise."""

import numpy as np
import pytest

from privacy.shrinkage import Interaction, kept_interactions


def interactions(
    rng: np.random.Generator, size: float, noise: float, alike: bool
) -> list[tuple[np.ndarray, Interaction]]:
    """True interactions and what is seen of them: all cells differ alike, or one in eight does and the others hardly."""
    found = []
    for _ in range(60):
        scale = np.ones((4, 5)) if alike else np.where(rng.random((4, 5)) < 1 / 8, 8.0, 0.0)
        true = rng.normal(scale=np.sqrt(40 * (1 + (size - 1) * scale)))
        seen = true + rng.normal(scale=np.sqrt(noise), size=(4, 5))
        found.append((true, Interaction(seen, np.full((4, 5), 40.0), noise, 20)))
    return found


def error(cases: list[tuple[np.ndarray, Interaction]], *, heavy_tails: bool = False) -> float:
    kept = [kept_interactions({"a": seen}, 3.0, heavy_tails=heavy_tails)["a"].shares * seen.values for _, seen in cases]
    return float(np.mean([(k - true) ** 2 for k, (true, _) in zip(kept, cases, strict=True)]))


def best_common_share(cases: list[tuple[np.ndarray, Interaction]]) -> float:
    """The least error of one share for all cells, chosen by knowing them."""
    shares = np.linspace(0, 1, 201)
    errors = [np.mean([(share * seen.values - true) ** 2 for true, seen in cases]) for share in shares]
    return float(min(errors))


@pytest.mark.parametrize(("size", "noise"), [(2.0, 80.0), (5.0, 1000.0), (1.0, 10.0), (8.0, 100.0)])
def test_where_all_cells_differ_alike_it_is_nearly_the_best_share(size: float, noise: float) -> None:
    cases = interactions(np.random.default_rng(1), size, noise, alike=True)
    assert error(cases) < 1.2 * best_common_share(cases)


@pytest.mark.parametrize(("size", "noise"), [(8.0, 200.0), (30.0, 1000.0)])
def test_where_few_cells_differ_it_beats_every_common_share(size: float, noise: float) -> None:
    cases = interactions(np.random.default_rng(2), size, noise, alike=False)
    assert error(cases) < 0.8 * best_common_share(cases)


def test_under_laplace_noise_a_cell_that_stands_out_is_drawn_like_the_others() -> None:
    rng = np.random.default_rng(4)
    cases = []
    for _ in range(80):
        true = rng.normal(scale=np.sqrt(40), size=(4, 5))
        seen = true + rng.laplace(scale=20, size=(4, 5))
        cases.append((true, Interaction(seen, np.full((4, 5), 40.0), np.full((4, 5), 800.0), 20)))
    assert error(cases, heavy_tails=True) < 1.4 * best_common_share(cases)
    assert error(cases, heavy_tails=True) < 0.9 * error(cases)


@pytest.mark.parametrize("noise", [20.0, 200.0, 2000.0])
def test_the_posterior_variance_is_that_of_the_errors(noise: float) -> None:
    """What is said of the error, noise that was kept and what was not learned, against the errors themselves."""
    rng = np.random.default_rng(3)
    cases = interactions(rng, 5.0, noise, alike=False)
    said, found = [], []
    for true, seen in cases:
        kept = kept_interactions({"a": seen}, 5.0)["a"]
        said.append(kept.shares**2 * noise + 40 * kept.unlearned)
        found.append((kept.shares * seen.values - true) ** 2)
    assert 0.7 < np.mean(found) / np.mean(said) < 1.25


def test_without_noise_all_is_kept_and_under_much_noise_the_belief_decides() -> None:
    assert kept_interactions({"a": Interaction(np.full((4, 5), 6.0), np.full((4, 5), 40.0), 0.0, 20)}, 3.0)[
        "a"
    ].share == pytest.approx(1)
    hopeless = kept_interactions({"a": Interaction(np.full((4, 5), 3e4), np.full((4, 5), 40.0), 1e9, 20)}, 3.0)["a"]
    assert hopeless.share < 1e-6
    assert ((hopeless.prior > 1.5) & (hopeless.prior < 6)).all()
    assert hopeless.unlearned == pytest.approx(hopeless.prior, rel=1e-3)
    assert kept_interactions({}, 3.0) == {}


def test_where_nobody_is_expected_nothing_is_kept() -> None:
    sampling = np.array([[50.0, 0.01], [50.0, 0.01]])
    shares = kept_interactions({"a": Interaction(np.full((2, 2), 9.0), sampling, 30.0, 4)}, 3.0)["a"].shares
    assert shares[0, 0] > 0.6
    assert shares[0, 1] < 0.01
