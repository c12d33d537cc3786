"""Conversions between ρ and ε, against OpenDP and dp-accounting, which were written by others."""

import warnings
from math import exp, log, sqrt

import pytest
from opendp.combinators import make_zCDP_to_approxDP
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian
from opendp.metrics import l2_distance
from opendp.mod import enable_features

from privacy.accountant import delta_of, epsilon_of, posterior_odds, rho_of
from tests.planning_sample import plan_of, small_policy, small_survey

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dp_accounting import GaussianDpEvent, LaplaceDpEvent, SelfComposedDpEvent
    from dp_accounting.pld import PLDAccountant, privacy_loss_distribution
    from dp_accounting.rdp import RdpAccountant

enable_features("contrib")
DELTAS = [1e-9, 1e-6, 1e-4]
RHOS = [1e-4, 1e-3, 0.0279, 0.1, 0.5, 2.0, 10.0]
EPSILONS = [0.01, 0.1, 0.5, 1.0, 3.0, 8.0, 30.0, 1000.0]


def gaussian(rho: float, times: int = 1) -> SelfComposedDpEvent:
    return SelfComposedDpEvent(GaussianDpEvent(sqrt(times / (2 * rho))), times)


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("rho", RHOS)
def test_epsilon_agrees_with_the_renyi_accountant(rho: float, delta: float) -> None:
    """The same bound, which that accountant minimises over fewer orders: never below ours, 1 % above at most."""
    middle = 1 + sqrt(log(1 / delta) / rho)
    accountant = RdpAccountant(orders=[1 + (middle - 1) * (0.5 + i / 400) for i in range(600)])
    accountant.compose(gaussian(rho))
    epsilon = epsilon_of(rho, delta)
    assert epsilon is not None
    assert epsilon <= accountant.get_epsilon(delta) * (1 + 1e-6)
    assert epsilon >= accountant.get_epsilon(delta) * 0.99


@pytest.mark.parametrize(("sigma", "times"), [(0.5, 1), (0.8, 1), (2, 1), (2, 8), (5, 10), (20, 100), (100, 245)])
def test_epsilon_is_above_the_exact_loss_of_gaussian_noise(sigma: float, times: int) -> None:
    """Discrete and continuous, alone and in sums: never below, and at most 13 % above (17 % where σ is half a person)."""
    step = 1e-5 if sigma > 10 else 1e-4
    one_continuous = privacy_loss_distribution.from_gaussian_mechanism(sigma, value_discretization_interval=step)
    one_discrete = privacy_loss_distribution.from_discrete_gaussian_mechanism(sigma, value_discretization_interval=step)
    continuous, discrete = one_continuous.self_compose(times), one_discrete.self_compose(times)
    for delta in DELTAS:
        epsilon = epsilon_of(times / (2 * sigma**2), delta)
        assert epsilon is not None
        for exact in (continuous.get_epsilon_for_delta(delta), discrete.get_epsilon_for_delta(delta)):
            assert exact <= epsilon <= exact * (1.13 if sigma > 1 else 1.17)


def test_continuous_noise_does_not_bound_discrete_noise() -> None:
    """Why the numerical accountant of continuous Gaussians is no claim about what is drawn (decision 90)."""
    continuous = privacy_loss_distribution.from_gaussian_mechanism(0.5).get_epsilon_for_delta(1e-4)
    discrete = privacy_loss_distribution.from_discrete_gaussian_mechanism(0.5, 1).get_epsilon_for_delta(1e-4)
    assert discrete > 1.05 * continuous


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_a_plan_prints_no_less_than_the_loss_of_its_tables(noise: str) -> None:
    """Tables, net scores and shares of every size, as a plan measures them."""
    plan = plan_of(small_survey(responses=2000), small_policy(noise=noise, spend={"epsilon": 2}))
    accountant = PLDAccountant()
    for table in plan.measured:
        gaussian_event = GaussianDpEvent(table.scale / sqrt(table.l2_squared))
        accountant.compose(gaussian_event if noise == "gaussian" else LaplaceDpEvent(table.scale / table.l1))
    exact = accountant.get_epsilon(plan.delta)
    assert plan.epsilon is not None
    assert len({table.scale for table in plan.measured}) > 5
    assert exact <= plan.epsilon
    if noise == "gaussian":
        assert plan.epsilon <= exact * 1.12


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("rho", RHOS)
def test_epsilon_agrees_with_opendp(rho: float, delta: float) -> None:
    measurement = make_gaussian(vector_domain(atom_domain(T="i64")), l2_distance(T="f64"), 1 / sqrt(2 * rho))
    theirs = make_zCDP_to_approxDP(measurement).map(1.0).epsilon(delta)
    assert epsilon_of(rho, delta) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("epsilon", EPSILONS)
def test_rho_and_back_never_shows_more(epsilon: float, delta: float) -> None:
    back = epsilon_of(rho_of(epsilon, delta), delta)
    assert back is not None
    assert epsilon * (1 - 1e-6) <= back <= epsilon


@pytest.mark.parametrize("delta", DELTAS)
def test_conversions_rise_together(delta: float) -> None:
    rhos = [rho_of(epsilon, delta) for epsilon in EPSILONS]
    epsilons = [epsilon_of(rho, delta) or 0.0 for rho in RHOS]
    assert rhos == sorted(rhos)
    assert epsilons == sorted(epsilons)
    assert all(rho_of(e, small) < rho_of(e, large) for e in EPSILONS for small, large in [(1e-9, 1e-6), (1e-6, 1e-4)])


@pytest.mark.parametrize("rho", RHOS)
def test_the_conversion_beats_the_textbook_and_keeps_its_own_delta(rho: float) -> None:
    epsilon = epsilon_of(rho, 1e-6)
    assert epsilon is not None
    assert epsilon < rho + 2 * sqrt(rho * log(1e6))
    assert delta_of(rho, epsilon) <= 1e-6 * (1 + 1e-6)


def test_the_ends() -> None:
    assert epsilon_of(0.0, 1e-6) == 0.0
    assert epsilon_of(1e6, 1e-6) is None
    assert epsilon_of(233_800.0, 1e-6) is None
    assert epsilon_of(58_000.0, 1e-6) is not None
    assert delta_of(0.0, 1.0) == 0.0
    assert delta_of(1e6, 0.0) == 1.0


def test_posterior_odds() -> None:
    assert posterior_odds(0.5, 0.0) == 0.5
    assert posterior_odds(0.5, log(3)) == pytest.approx(0.75)
    assert posterior_odds(0.01, 1.0) == pytest.approx(0.01 * exp(1) / (1 + 0.01 * (exp(1) - 1)))


def test_what_is_no_number_is_converted_to_nothing() -> None:
    for convert in (lambda: epsilon_of(float("nan"), 1e-6), lambda: rho_of(float("nan"), 1e-6)):
        with pytest.raises(ValueError, match="no number"):
            convert()
