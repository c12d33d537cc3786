"""Quantiles from noisy histograms: those of the answers where noise vanishes, and intervals that hold the truth."""

from fractions import Fraction

import numpy as np
import pytest

from privacy.intervals import Errors
from privacy.quantiles import QUANTILES, cumulative_figures, quantile_rows
from privacy.summary import summarise
from schemas.released import SummaryRow
from tests.unit.privacy.estimating import by_id, estimated, policy, riverbend, simulate

EDGES = (0, 2, 5, 10, 20, 50, 90)
YEARS = {"id": "years", "column": "q3", "type": "numeric", "bounds": [0, 90], "bins": EDGES}
SURVEY = riverbend(questions=[YEARS], indices=[])
ATTRIBUTES = by_id(SURVEY)
TABLES = [("age",), ("years",), ("age", "years")]


def rows_of(scale: float, years: np.ndarray, rng: np.random.Generator) -> dict[tuple[str | None, str], SummaryRow]:
    """Quantile rows, unweighted, by group and statistic, of people whose years are given (nan: not answered)."""
    data = simulate(ATTRIBUTES, len(years), rng)
    size = ATTRIBUTES["years"].size
    cell = np.where(np.isnan(years), len(EDGES) - 1, np.minimum(np.searchsorted(EDGES, years, "right") - 1, 5))
    data["years"] = np.eye(size, dtype=np.int64)[cell]
    plan, estimates = estimated(ATTRIBUTES, data, dict.fromkeys(TABLES, scale), TABLES, rng)
    rows = summarise(SURVEY, policy(), plan, ATTRIBUTES, estimates)
    return {(r.group, r.statistic): r for r in rows if r.statistic in QUANTILES and not r.weighted} | {
        ("counts", group): data["years"][data["age"][:, i] == 1].sum(axis=0)  # type: ignore[dict-item]
        for i, group in enumerate("123")
    }


def by_hand(counts: list[int], q: Fraction) -> float:
    """The x with q of the people below it, each bin's people spread evenly over it, in exact fractions."""
    wanted, below = q * sum(counts), Fraction(0)
    for low, high, people in zip(EDGES, EDGES[1:], counts, strict=False):
        if people and below + people >= wanted:
            return float(low + (wanted - below) / people * (high - low))
        below += people
    raise AssertionError


def test_at_vanishing_noise_they_are_those_of_the_histogram() -> None:
    rng = np.random.default_rng(2)
    years = np.where(rng.random(900) < 0.1, np.nan, rng.gamma(2.0, 7.0, 900).clip(0, 90))
    rows = rows_of(1e-6, years, rng)
    for statistic, q in QUANTILES.items():
        share = Fraction(int(q), 100)
        counts, _ = np.histogram(years[~np.isnan(years)], EDGES)
        assert rows[None, statistic].value == pytest.approx(by_hand(counts.tolist(), share))
        for group in "123":
            counts = rows["counts", group][: len(EDGES) - 1].tolist()  # type: ignore[index]
            assert rows[group, statistic].value == pytest.approx(by_hand(counts, share))


def test_the_interval_is_at_least_the_bin_and_holds_the_answers_own_quantile() -> None:
    rng = np.random.default_rng(3)
    for lump in (0.5, 1.9, 9.99, 20.0, 49.0):  # everybody at one end of a bin: no line within it is right
        years = np.where(rng.random(900) < 0.7, lump, rng.random(900) * 90)
        for scale in (1e-6, 5.0):
            row = rows_of(scale, years, rng)[None, "median"]
            assert row.low is not None and row.high is not None
            assert row.low <= np.median(years) <= row.high
            assert row.low in EDGES and row.high in EDGES
            assert row.bias_moe is not None and row.bias_moe > 0


@pytest.mark.parametrize("scale", [1.0, 25.0, 1e4])
def test_rows_are_in_order_and_sane(scale: float) -> None:
    rng = np.random.default_rng(4)
    rows = rows_of(scale, rng.random(400) * 90, rng)
    for group in (None, "1", "2", "3"):
        found = [rows[group, statistic] for statistic in QUANTILES]
        values = [row.value for row in found if row.value is not None]
        assert values == sorted(values)
        for row in found:
            if row.value is None:
                assert row.reason == "undefined"
                continue
            assert row.low is not None and row.high is not None and row.moe is not None
            assert 0 <= row.low <= row.value <= row.high <= 90
            assert row.moe == pytest.approx(max(row.high - row.value, row.value - row.low))
            assert min(row.sampling_moe or 0, row.noise_moe or 0, row.bias_moe or 0) >= 0
            assert row.publishable == (row.reason == "")
            if scale == 1e4:
                assert not row.publishable


@pytest.mark.statistical
def test_intervals_hold_the_quantile_of_the_population() -> None:
    """The population is continuous and skewed; noise is as large as sampling."""
    rng = np.random.default_rng(5)
    truth = {s: float(np.quantile(rng.gamma(2.0, 9.0, 400_000).clip(0, 90), q / 100)) for s, q in QUANTILES.items()}
    hits = dict.fromkeys(QUANTILES, 0)
    runs = 120
    for _ in range(runs):
        rows = rows_of(8.0, rng.gamma(2.0, 9.0, 400).clip(0, 90), rng)
        for statistic in QUANTILES:
            row = rows[None, statistic]
            assert row.low is not None and row.high is not None
            hits[statistic] += row.low <= truth[statistic] <= row.high
    assert min(hits.values()) >= 0.93 * runs, hits


@pytest.mark.parametrize(("learned", "reason"), [(0.9, ""), (0.2, "belief"), (None, "")])
def test_a_quantile_rests_on_what_was_learned_of_the_shares_it_reaches(learned: float | None, reason: str) -> None:
    """A group unlike the others would have everybody's quantile, and shares that are withheld."""
    figures = cumulative_figures(SURVEY, ATTRIBUTES)["years"]
    shares = np.array([10.0, 30.0, 55.0, 80.0, 97.0])[:, None]
    small = np.full(shares.shape, 0.5)
    errors = Errors(
        value=shares, base=np.full(shares.shape, 400.0), spread=small, sampling_sd=small, noise_sd=small, bias_sd=small,
        base_sd=small, learned=None if learned is None else np.full(shares.shape, learned),
    )  # fmt: skip
    rows = quantile_rows(
        figures, errors, "age", ["1"], weighted=False, model_based=False, informative=True, small=[False], margin_points=40
    )  # fmt: skip
    median = next(row for row in rows if row.statistic == "median")
    assert (median.reason, median.publishable) == (reason, not reason)
