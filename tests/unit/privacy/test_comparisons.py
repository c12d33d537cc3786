"""Benchmarks and importance: at vanishing noise what the answers say, with margins that follow from their figures'."""

import dataclasses
from math import hypot

import numpy as np
import pytest

from privacy.compared import Kind, Part, combined
from privacy.summary import summarise
from schemas.released import SummaryRow
from tests.unit.privacy.estimating import RATING, by_id, estimated, policy, riverbend, simulate

QUESTIONS = [
    {"id": name, "column": name, "type": "rating", "options": RATING, "positive": ["1", "2"]}
    for name in ("parks", "roads", "parks_matter", "roads_matter")
] + [
    {"id": "years", "column": "y", "type": "numeric", "bounds": [0, 90], "bins": [0, 5, 20, 90]},
    {"id": "recommend", "column": "r", "type": "nps"},
    {"id": "plain", "column": "p", "type": "rating", "options": RATING},
]  # fmt: skip
BENCHMARKS = {"parks": 0.5, "years": 12.5, "recommend": 20, "living": 0.4, "plain": 2.0}
SURVEY = riverbend(
    questions=QUESTIONS,
    indices=[{"id": "living", "items": ["parks", "roads"]}],
    benchmarks={name: {"value": value, "source": {"en": "Nation, 2025"}} for name, value in BENCHMARKS.items()},
    importance={"parks": "parks_matter", "roads": "roads_matter"},
)
ATTRIBUTES = by_id(SURVEY)
TABLES = [(name,) for name in ATTRIBUTES] + [("age", "parks"), ("district", "parks"), ("age", "district")]


def rows_of(scale: float, seed: int = 1, people: int = 700) -> tuple[dict[str, np.ndarray], list[SummaryRow]]:
    rng = np.random.default_rng(seed)
    data = simulate(ATTRIBUTES, people, rng)
    plan, estimates = estimated(ATTRIBUTES, data, dict.fromkeys(TABLES, scale), TABLES, rng)
    return data, summarise(SURVEY, policy(), plan, ATTRIBUTES, estimates)


def one(rows: list[SummaryRow], subject: str, statistic: str, *, weighted: bool = False) -> SummaryRow:
    found = [
        r
        for r in rows
        if (r.subject, r.statistic, r.weighted) == (subject, statistic, weighted) and r.group is None
    ]  # fmt: skip
    assert len(found) == 1, (subject, statistic, len(found))
    return found[0]


def positive(data: dict[str, np.ndarray], name: str) -> float:
    counts = data[name].sum(axis=0)
    return 100 * counts[:2].sum() / counts[:4].sum()


def test_gaps_to_benchmarks_are_those_of_the_answers() -> None:
    data, rows = rows_of(1e-6)
    assert one(rows, "parks", "pct_positive_benchmark_gap").value == pytest.approx(positive(data, "parks") - 50)
    score = data["years__mean"].sum(axis=0)
    mean = 90 * score[0] / score[:2].sum()
    assert one(rows, "years", "mean_benchmark_gap").value == pytest.approx(mean - 12.5)
    points = data["recommend"].sum(axis=0)[:11]
    net = 100 * (points[9:].sum() - points[:7].sum()) / points.sum()
    assert one(rows, "recommend", "nps_benchmark_gap").value == pytest.approx(net - 20)
    index = data["living"].sum(axis=0)
    assert one(rows, "living", "index_benchmark_gap").value == pytest.approx(100 * index[0] / index[:2].sum() - 40)
    counts = data["plain"].sum(axis=0)[:4]
    assert one(rows, "plain", "mean_benchmark_gap").value == pytest.approx(counts @ [1, 2, 3, 4] / counts.sum() - 2)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1e-6, 4.0, 200.0, 1e5])
def test_a_gap_has_the_margins_of_its_figure(scale: float, weighted: bool) -> None:
    _, rows = rows_of(scale)
    for subject, statistic in (("parks", "pct_positive"), ("years", "mean"), ("living", "index")):
        figure = one(rows, subject, statistic, weighted=weighted)
        gap = one(rows, subject, f"{statistic}_benchmark_gap", weighted=weighted)
        margins = (figure.moe, figure.sampling_moe, figure.noise_moe, figure.bias_moe, figure.reason, figure.base)
        assert (gap.moe, gap.sampling_moe, gap.noise_moe, gap.bias_moe, gap.reason, gap.base) == margins
        assert gap.compared_with == "Nation, 2025"
        if gap.low is not None and gap.high is not None:
            assert gap.significant == (gap.publishable and not gap.low <= 0 <= gap.high)
            assert figure.low is not None and figure.high is not None
            assert gap.high - gap.low == pytest.approx(figure.high - figure.low)


def test_importance_and_satisfaction_are_those_of_the_answers() -> None:
    data, rows = rows_of(1e-6)
    liked = {name: positive(data, name) for name in ("parks", "roads")}
    asked = {name: positive(data, f"{name}_matter") for name in ("parks", "roads")}
    for name in ("parks", "roads"):
        gap, rating = one(rows, name, "importance_gap"), one(rows, name, "importance_satisfaction")
        assert gap.value == pytest.approx(asked[name] - liked[name])
        assert rating.value == pytest.approx(asked[name] * (1 - liked[name] / 100))
        assert gap.compared_with == rating.compared_with == f"{name}_matter"
        for statistic, values in (("satisfaction_above_average", liked), ("importance_above_average", asked)):
            lead = one(rows, name, statistic)
            assert lead.value == pytest.approx(values[name] - np.mean(list(values.values())))
            assert lead.subject == name
        assert rating.significant is None and gap.significant is not None


def test_margins_of_importance_assume_nothing_of_how_answers_go_together() -> None:
    """The exact variance of a difference on the same people, at every correlation, is below what is published."""
    _, rows = rows_of(3.0)
    liked, asked = one(rows, "parks", "pct_positive"), one(rows, "parks_matter", "pct_positive")
    gap = one(rows, "parks", "importance_gap")
    assert liked.sampling_moe is not None and asked.sampling_moe is not None
    assert gap.sampling_moe == pytest.approx(liked.sampling_moe + asked.sampling_moe)
    assert gap.noise_moe == pytest.approx(hypot(liked.noise_moe or 0, asked.noise_moe or 0))
    for correlation in (-1.0, -0.3, 0.0, 0.8):
        a, b = liked.sampling_moe, asked.sampling_moe
        assert (a**2 + b**2 - 2 * correlation * a * b) ** 0.5 <= gap.sampling_moe + 1e-9


def test_a_single_pair_has_no_average_to_be_above() -> None:
    survey = SURVEY.model_copy(update={"importance": {"parks": "parks_matter"}})
    rng = np.random.default_rng(1)
    data = simulate(ATTRIBUTES, 500, rng)
    plan, estimates = estimated(ATTRIBUTES, data, dict.fromkeys(TABLES, 1.0), TABLES, rng)
    row = one(summarise(survey, policy(), plan, ATTRIBUTES, estimates), "parks", "importance_above_average")
    assert row.value == pytest.approx(0) and row.significant is False


def test_the_row_set_does_not_depend_on_the_answers() -> None:
    sets = [
        [(r.subject, r.statistic, r.option, r.group, r.weighted, r.compared_with) for r in rows_of(scale, seed, n)[1]]
        for scale, seed, n in ((1e-6, 1, 700), (1e9, 2, 40), (40.0, 3, 200))
    ]
    assert sets[0] == sets[1] == sets[2]
    assert len(set(sets[0])) == len(sets[0])


def test_what_a_figure_lacks_its_combination_lacks() -> None:
    fine = SummaryRow(
        "a", "pct", None, None, None, "percent", 50.0, 48.0, 52.0, 2.0, 1.0, 1.0, 0.0, 300.0, False, False, True, ""
    )  # fmt: skip
    small = SummaryRow(
        "b", "pct", None, None, None, "percent", 60.0, 58.0, 62.0, 2.0, 1.0, 1.0, 0.5, 10.0, False, True, False, "base"
    )  # fmt: skip
    kind = Kind("x", "points", -100.0, 100.0, same_people=False)
    believed = dataclasses.replace(fine, reason="belief", publishable=False)
    assert combined(kind, 10.0, [Part(fine, 1.0), Part(believed, -1.0)], 10.0, "b").reason == "belief"
    row = combined(kind, 10.0, [Part(small, 1.0), Part(fine, -1.0)], 10.0, "b")
    assert (row.reason, row.publishable, row.significant, row.base, row.model_based) == ("base", False, False, 10, True)
    assert row.moe == pytest.approx(2.0 + 0.5)
    assert combined(kind, None, [Part(small, 1.0)], 10.0, "b").reason == "undefined"
    narrow = combined(kind, 10.0, [Part(fine, 1.0), Part(fine, -1.0)], 1.0, "b")
    assert (narrow.reason, narrow.significant) == ("margin", False)
