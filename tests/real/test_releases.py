"""Each real survey under its own policy, ε = 3 at δ = 10⁻⁶: it comes out, it verifies, and the books are right."""

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from math import inf, isqrt, nextafter, sqrt
from typing import Any

import opendp.prelude as dp
import pytest
from scipy.stats import chi2

from tests.real.command import Release, hearsafe
from tests.real.oracle import Oracle
from tests.real.surveys import BLOOMINGTON, SOMERVILLE_2011, TAMPA_BAY, RealSurvey, each
from tests.real.test_vanishing_noise import key_of, truth_of

pytestmark = [pytest.mark.slow, pytest.mark.needs_shared]

THREE = (BLOOMINGTON, SOMERVILLE_2011, TAMPA_BAY)
"""One of each kind; the other waves of Somerville have the same shape."""

ById = Callable[[RealSurvey], Oracle]
Released = Callable[[RealSurvey], Release]
NANO = 10**9


@pytest.mark.parametrize("survey", each(*THREE))
def test_release_verifies_with_and_without_the_key(survey: RealSurvey, as_declared: Released) -> None:
    release = as_declared(survey)
    hearsafe("verify", release.folder, workspace=release.workspace)
    fingerprint = release.card()["ledger"]["fingerprint"]
    hearsafe("verify", release.folder, "--key", fingerprint, workspace=release.workspace)


@pytest.mark.parametrize("survey", each(BLOOMINGTON, SOMERVILLE_2011))
def test_releasing_again_is_free_and_gives_the_same_bytes(survey: RealSurvey, as_declared: Released) -> None:
    release = as_declared(survey)
    before = {path.name: path.read_bytes() for path in release.folder.iterdir()}
    hearsafe("release", survey.folder, workspace=release.workspace)
    assert {path.name: path.read_bytes() for path in release.folder.iterdir()} == before
    assert len(list((release.workspace / "releases").glob("*/*/*/MANIFEST.json"))) == 1


def composed_map(tables: list[dict]) -> Fraction:
    """OpenDP's own ρ of the measured tables: composed by OpenDP for each sensitivity, then added exactly.

    OpenDP composes measurements that share an input distance; tables with other sensitivities are other inputs.
    """
    dp.enable_features("contrib")
    by_sensitivity: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for table in tables:
        by_sensitivity[table["mechanism"], table["sensitivity_l1"], table["sensitivity_l2_squared"]].append(
            table["scale"]
        )
    total = Fraction(0)
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    for (mechanism, l1, l2_squared), scales in by_sensitivity.items():
        if mechanism == "discrete_gaussian":
            root = isqrt(l2_squared)
            distance = float(root) if root * root == l2_squared else nextafter(sqrt(l2_squared), inf)
            parts = [dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale) for scale in scales]
        else:
            distance = l1
            parts = [dp.c.make_pureDP_to_zCDP(dp.m.make_laplace(domain, dp.l1_distance(T="i64"), s)) for s in scales]
        total += Fraction(dp.c.make_composition(parts).map(distance))
    return total


@pytest.mark.parametrize("survey", each(*THREE))
def test_charge_covers_opendp_by_less_than_a_nano_an_event(survey: RealSurvey, as_declared: Released) -> None:
    release = as_declared(survey)
    card = release.card()["expert"]
    loss, on_card = card["privacy_loss"], card["implementation"]["measured"]
    tables = {row["table"]: row for row in release.rows("measurements")}
    assert {t["table"] for t in on_card} == set(tables)
    assert sum(t["charge_nano_rho"] for t in on_card) == loss["charge_nano_rho"]
    assert loss["spent"]["release"]["spent_nano_rho"] == loss["charge_nano_rho"]
    for table in on_card:
        row = tables[table["table"]]
        facts = (row["mechanism"], row["sensitivity_l1"], row["sensitivity_l2_squared"], row["scale"], row["unit"])
        assert facts == (table["mechanism"], table["l1"], table["l2_squared"], table["scale"], table["unit"])
    excess = Fraction(loss["charge_nano_rho"]) - composed_map(list(tables.values())) * NANO
    assert 0 <= excess < len(tables)


@pytest.mark.parametrize("survey", each(*THREE))
def test_charge_is_within_the_policy(survey: RealSurvey, as_declared: Released) -> None:
    loss = as_declared(survey).card()["expert"]["privacy_loss"]
    parameters = loss["privacy_parameters"]
    assert parameters["delta"] == 1e-6
    assert 2.9 <= parameters["epsilon"] <= 3
    for scope in loss["spent"].values():
        assert scope["spent_nano_rho"] <= scope["cap_nano_rho"]
    assert loss["privacy_unit"] == ("response" if survey.name == "somerville-2017" else "resident")


FALSE_ALARM = 1e-7


@pytest.mark.parametrize("survey", each(*THREE))
def test_noise_that_was_really_added_has_the_scale_on_the_card(
    survey: RealSurvey, as_declared: Released, oracle: ById
) -> None:
    """Released integers less SQL's counts are the noise itself. Pooled, it follows the stated scales, not ones 30 % off.

    Gaussian: Σ(x/σ)² is χ² with a degree of freedom a cell; Laplace: 2Σ|x|/b has two. Both hold for scales well above
    one unit, which these are.
    """
    truth = truth_of(oracle(survey))
    release = as_declared(survey)
    nets = {a["id"]: a for a in release.card()["instrument"]["attributes"] if a["kind"] == "net"}
    cells = {a["id"]: [c["code"] for c in a["cells"]] for a in release.card()["instrument"]["attributes"]}

    def units(row: dict[str, Any]) -> float:
        """SQL's count of a row in its units; of a net score, the weighted sum of its question's counts in the group."""
        net = nets.get(row["attribute_2"])
        if net is None:
            return row["unit"] * truth.get(key_of(row), 0.0)
        group, unit = (row["attribute_1"], row["code_1"]), row["unit"] / max(map(abs, net["weights"]))
        counts = [truth.get(frozenset({group, (net["of"], code)}), 0.0) for code in cells[net["of"]]]
        return unit * sum(weight * count for weight, count in zip(net["weights"], counts, strict=True))

    pooled, freedom = 0.0, 0
    for row in release.rows("measurements"):
        noise = row["noisy_units"] - units(row)
        assert row["scale"] > 2
        gaussian = row["mechanism"] == "discrete_gaussian"
        pooled += (noise / row["scale"]) ** 2 if gaussian else 2 * abs(noise) / row["scale"]
        freedom += 1 if gaussian else 2
    assert freedom >= 800, "fewer cells could not tell 1.3 ×"

    def accepts(off: float) -> bool:
        power = 2 if gaussian else 1
        statistic = pooled / off**power
        return min(chi2.cdf(statistic, freedom), chi2.sf(statistic, freedom)) > FALSE_ALARM / 2

    assert accepts(1.0)
    assert not accepts(0.7)
    assert not accepts(1.3)
