"""Group effects: drawn together under noise, left alone without, with errors as large as those seen."""

import numpy as np
import pytest

from privacy.group_effects import Effects, Groups, Heads, NetObservation, group_effects
from privacy.group_prior import GroupPrior, group_covariance, head_covariance, learned_interaction
from privacy.prior import expected_interaction

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
PEOPLE = 2000.0
ITEMS = tuple(f"q{i}" for i in range(16))
INDICES = ("one", "two")
PRIOR = GroupPrior(3.0, {"one": ITEMS[:8], "two": ITEMS[8:]})
GROUPS = Groups(SHARES * PEOPLE, 0.0, PEOPLE)
HEADS = Heads(ITEMS, INDICES, np.full(18, 0.3 * PEOPLE), np.full(18, 0.8))


def drawn(rng: np.random.Generator, size: float, shares=(0.3, 0.3, 0.4), mix: float = 0.5) -> np.ndarray:
    heads = np.linalg.cholesky(head_covariance(shares, ITEMS, INDICES, HEADS.spread, PRIOR.blocks))
    levels, vectors = np.linalg.eigh(size * group_covariance(mix, SHARES, PEOPLE))
    root = vectors * np.sqrt(np.maximum(levels, 0))
    return heads @ rng.normal(size=(18, 4)) @ root.T


def seen(true: np.ndarray, sd: float, rng: np.random.Generator, names=(*ITEMS, *INDICES)) -> Effects:
    counts = true + np.outer(HEADS.net, SHARES) + rng.normal(scale=sd, size=true.shape)
    observed = {name: NetObservation(counts[HEADS.names.index(name)], sd**2) for name in names}
    found = group_effects(HEADS, GROUPS, observed, PRIOR)
    assert found is not None
    return found


@pytest.mark.parametrize("sd", [20.0, 60.0])
def test_it_beats_both_the_measurement_and_nothing(sd: float) -> None:
    rng = np.random.default_rng(1)
    learned, measured, nothing = [], [], []
    for _ in range(25):
        true = drawn(rng, 3.0)
        learned.append(((seen(true, sd, rng).value - true) ** 2).mean())
        measured.append(sd**2)
        nothing.append((true**2).mean())
    assert np.mean(learned) < 0.9 * min(np.mean(measured), np.mean(nothing))


def test_without_noise_nothing_moves() -> None:
    rng = np.random.default_rng(2)
    true = drawn(rng, 3.0)
    found = seen(true, 1e-3, rng)
    assert found.value == pytest.approx(true, abs=0.1)
    assert found.learned.min() > 0.999


def test_under_hopeless_noise_no_group_differs() -> None:
    rng = np.random.default_rng(3)
    found = seen(drawn(rng, 3.0), 1e5, rng)
    assert np.abs(found.value).max() < 1
    assert found.learned.max() < 0.05


def test_an_index_tells_of_its_items() -> None:
    rng = np.random.default_rng(4)
    known, unknown = [], []
    for _ in range(20):
        true = drawn(rng, 4.0, shares=(0.0, 0.7, 0.3))
        found = seen(true, 3.0, rng, names=("one",))
        known.append(((found.value[:8] - true[:8]) ** 2).mean() / (true[:8] ** 2).mean())
        unknown.append(((found.value[8:16] - true[8:16]) ** 2).mean() / (true[8:16] ** 2).mean())
    assert np.mean(known) < 0.75 < np.mean(unknown)


@pytest.mark.parametrize(("sd", "size"), [(15.0, 1.5), (40.0, 4.0), (40.0, 20.0)])
def test_errors_are_about_those_seen(sd: float, size: float) -> None:
    rng = np.random.default_rng(5)
    inside: list[float] = []
    for _ in range(30):
        true = drawn(rng, size)
        found = seen(true, sd, rng)
        inside.append(float((np.abs(found.value - true) < 1.96 * np.sqrt(found.noise + found.bias)).mean()))
    assert 0.92 < np.mean(inside) < 0.99


def test_effects_sum_to_nothing_over_the_groups() -> None:
    rng = np.random.default_rng(6)
    found = seen(drawn(rng, 3.0), 30.0, rng)
    assert found.value.sum(axis=1) == pytest.approx(np.zeros(18), abs=1e-6)


def test_what_lasts_is_what_exceeds_sampling() -> None:
    rng = np.random.default_rng(7)
    small, large = (seen(drawn(rng, size), 5.0, rng).lasting.mean() for size in (1.0, 30.0))
    assert small < 0.5
    assert large > 0.9


@pytest.mark.parametrize("variance", [1e12, 1e20, 1e40])
def test_groups_of_unknown_size_stop_nothing(variance: float) -> None:
    heads = Heads(("a", "b"), (), np.array([300.0, 200.0]), np.array([0.5, 0.5]))
    seen = {name: NetObservation(np.array([1.0, 2.0]), 25.0) for name in "ab"}
    found = group_effects(heads, Groups(np.array([300.0, 300.0]), variance, 600.0), seen, GroupPrior(3.0, {}))
    assert found is not None
    assert all(np.isfinite(numbers).all() for numbers in (found.value, found.noise, found.bias))


def test_nothing_observed_is_no_effect() -> None:
    assert group_effects(HEADS, GROUPS, {}, PRIOR) is None


@pytest.mark.parametrize("size", [1.0, 3.0, 30.0])
def test_the_size_of_effects_is_learned(size: float) -> None:
    rng = np.random.default_rng(5)
    sizes = [seen(drawn(rng, size), 10.0, rng).size for _ in range(10)]
    assert 0.7 * size < np.exp(np.mean(np.log(sizes))) < 1.5 * size


@pytest.mark.parametrize("interaction", [1.0, 3.0, 40.0])
def test_a_release_that_learned_nothing_hands_its_own_belief_on(interaction: float) -> None:
    centre = np.sqrt(expected_interaction(interaction, 6000))
    assert learned_interaction([centre, centre], 6000) == pytest.approx(interaction)
    assert learned_interaction([], 6000) is None
