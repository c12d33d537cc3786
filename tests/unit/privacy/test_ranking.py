"""Figures of a ranking: at vanishing noise what every respondent's list says, with its sampling error."""

import numpy as np
import pytest

from privacy.intervals import Z95
from privacy.summary import summarise
from schemas.released import SummaryRow
from tests.unit.privacy.estimating import by_id, estimated, policy, riverbend, simulate

OPTIONS = {"p": "Parks", "r": "Roads", "b": "Buses", "t": "Taxes"}
TOP = {"id": "top", "type": "ranking", "columns": ["A", "B", "C"], "options": OPTIONS}
SURVEY = riverbend(questions=[TOP], indices=[])
ATTRIBUTES = by_id(SURVEY)
TABLES = [("age",), ("district",), ("top",), ("age", "top"), ("age", "district"), ("district", "top")]
STATISTICS = ("pct_first", "pct_ranked", "rank_points")


def lists(people: int, rng: np.random.Generator) -> list[list[str]]:
    """What each respondent ranked, first to last; nothing where not answered. Some stop early."""
    popular = np.array([0.5, 0.3, 0.15, 0.05])
    found: list[list[str]] = []
    for _ in range(people):
        length = rng.choice(4, p=[0.1, 0.2, 0.2, 0.5])
        order = rng.choice(list(OPTIONS), size=4, replace=False, p=popular).tolist()
        found.append(order[:length])
    return found


def released(scale: float, seed: int = 1, people: int = 900) -> tuple[list[list[str]], np.ndarray, list[SummaryRow]]:
    """Lists, age category of each respondent, and the rows of the ranking."""
    rng = np.random.default_rng(seed)
    data = simulate(ATTRIBUTES, people, rng)
    said = lists(people, rng)
    data["top"] = np.zeros((people, ATTRIBUTES["top"].size), dtype=np.int64)
    for row, order in enumerate(said):
        for place, option in enumerate(order, start=1):
            data["top"][row, ATTRIBUTES["top"].index_of(f"{option}@{place}")] = 1
        if not order:
            data["top"][row, ATTRIBUTES["top"].index_of("_not_answered")] = 1
    plan, estimates = estimated(ATTRIBUTES, data, dict.fromkeys(TABLES, scale), TABLES, rng)
    rows = summarise(SURVEY, policy(), plan, ATTRIBUTES, estimates)
    return said, data["age"].argmax(axis=1), [row for row in rows if row.subject == "top"]


def by_hand(said: list[list[str]], statistic: str, option: str) -> list[float]:
    """One number for each respondent who ranked anything."""
    answered = [order for order in said if order]
    if statistic == "pct_first":
        return [100.0 * (order[0] == option) for order in answered]
    if statistic == "pct_ranked":
        return [100.0 * (option in order) for order in answered]
    return [float({0: 3, 1: 2, 2: 1}[order.index(option)]) if option in order else 0.0 for order in answered]


def test_at_vanishing_noise_figures_are_those_of_the_lists() -> None:
    said, age, rows = released(1e-6)
    everybody = {(r.statistic, r.option): r for r in rows if r.group is None and not r.weighted}
    assert set(everybody) == {(statistic, option) for statistic in STATISTICS for option in OPTIONS}
    for (statistic, option), row in everybody.items():
        assert row.value == pytest.approx(np.mean(by_hand(said, statistic, option)))
    for row in rows:
        if row.group_attribute == "age":
            assert row.group is not None and row.option is not None
            own = [order for order, cell in zip(said, age, strict=True) if cell == int(row.group) - 1]
            assert row.value == pytest.approx(np.mean(by_hand(own, row.statistic, row.option)))


def test_sampling_error_is_that_of_the_respondents_numbers() -> None:
    """But for the two respondents added at either end of the range."""
    said, _, rows = released(1e-6, people=3000)
    for row in rows:
        if row.group is None and not row.weighted:
            numbers = by_hand(said, row.statistic, row.option or "")
            expected = Z95 * np.std(numbers) / len(numbers) ** 0.5
            assert row.sampling_moe == pytest.approx(expected, rel=0.03), (row.statistic, row.option)


@pytest.mark.parametrize("scale", [3.0, 200.0, 1e6])
def test_rows_are_sane_and_do_not_depend_on_the_answers(scale: float) -> None:
    _, _, rows = released(scale, seed=3, people=150)
    _, _, quiet = released(1e-6)
    assert [(r.statistic, r.option, r.group_attribute, r.group, r.weighted) for r in rows] == [
        (r.statistic, r.option, r.group_attribute, r.group, r.weighted) for r in quiet
    ]
    for row in rows:
        if row.value is not None:
            assert row.low is not None and row.high is not None
            assert 0 <= row.low <= row.value <= row.high <= (3 if row.unit == "score" else 100)


@pytest.mark.statistical
def test_intervals_hold_the_populations_figures() -> None:
    rng = np.random.default_rng(8)
    many = lists(60_000, rng)
    truth = {(s, o): float(np.mean(by_hand(many, s, o))) for s in STATISTICS for o in OPTIONS}
    hits: list[bool] = []
    for seed in range(60):
        for row in released(9.0, seed=seed, people=500)[2]:
            if row.group is None and not row.weighted:
                assert row.low is not None and row.high is not None
                hits.append(row.low <= truth[row.statistic, row.option or ""] <= row.high)
    assert 0.92 <= np.mean(hits) <= 0.995, np.mean(hits)
