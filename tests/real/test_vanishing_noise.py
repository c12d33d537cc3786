"""The whole path through the command, with noise too small to matter: what is released is what SQL counts."""

from collections import defaultdict
from collections.abc import Callable
from math import exp
from pathlib import Path

import pytest

from tests.real.command import Release
from tests.real.oracle import CellKey, Oracle
from tests.real.surveys import BLOOMINGTON, SURVEYS, RealSurvey, each
from tests.real.test_declarations import PUBLISHED_SHARES, published_means

pytestmark = [pytest.mark.slow, pytest.mark.needs_shared]

ById = Callable[[RealSurvey], Oracle]
Released = Callable[[RealSurvey], Release]
MICRO = 1_000_000


def key_of(row: dict[str, str | None]) -> CellKey:
    axes = [(row[f"attribute_{axis}"], row[f"code_{axis}"]) for axis in (1, 2, 3)]
    return frozenset((attribute, code) for attribute, code in axes if attribute is not None and code is not None)


def truth_of(oracle: Oracle) -> dict[CellKey, float]:
    return oracle.one_way() | oracle.by_group()


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_noise_of_this_policy_rounds_to_nothing(survey: RealSurvey, vanishing: Released) -> None:
    """The chance that any count of people was moved at all: below 3·exp(−1/(2σ²)) a cell where σ is small."""
    moved = 0.0
    for row in vanishing(survey).rows("measurements"):
        assert row["mechanism"] == "discrete_gaussian"
        if row["unit"] == 1:
            moved += 3 * exp(-1 / (2 * row["scale"] ** 2))
        else:
            assert row["unit"] == MICRO
            assert row["scale"] / MICRO < 0.1
    assert moved < 1e-6


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_every_table_is_released(survey: RealSurvey, vanishing: Released, oracle: ById) -> None:
    truth = oracle(survey)
    released = {frozenset(row["table"].split("*")) for row in vanishing(survey).rows("estimates")}
    subjects = {*truth.questions, *truth.indices}
    assert {frozenset({a}) for a in (*subjects, *truth.groups)} <= released
    assert {frozenset({a, g}) for a in (*subjects, *truth.groups) for g in truth.groups if a != g} <= released


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_raw_measurements_equal_sql(survey: RealSurvey, vanishing: Released, oracle: ById) -> None:
    truth = truth_of(oracle(survey))
    for row in vanishing(survey).rows("measurements"):
        exact = truth.get(key_of(row), 0.0)
        if row["unit"] == 1:
            assert row["noisy_units"] == exact, sorted(key_of(row))
        else:
            noise = 8 * row["scale"] + 0.5 * survey.responses + 1
            assert abs(row["noisy_units"] - MICRO * exact) <= noise, sorted(key_of(row))


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_estimates_round_to_sql(survey: RealSurvey, vanishing: Released, oracle: ById) -> None:
    """Counts of people exactly; sums of scores, which are no whole numbers, to half a person."""
    truth = truth_of(oracle(survey))
    wrong: dict[str, int] = defaultdict(int)
    for row in vanishing(survey).rows("estimates"):
        exact = truth.get(key_of(row), 0.0)
        is_score = row["kind"] in ("index", "index_crosstab") or "__mean" in row["table"]
        agrees = abs(row["estimate_count"] - exact) < 0.5 if is_score else round(row["estimate_count"]) == exact
        wrong[row["table"]] += not agrees
    assert {table: cells for table, cells in wrong.items() if cells} == {}


def unweighted(release: Release, statistic: str) -> dict[str, float]:
    return {
        row["subject"]: row["value"]
        for row in release.rows("summary")
        if row["statistic"] == statistic
        and row["group_attribute"] is None
        and not row["weighted"]
        and row["option"] is None
    }


def test_published_means_reproduce(vanishing: Released, shared_data: Path) -> None:
    figures = published_means(shared_data)
    assert len(figures) == 10
    for survey, question, mean, _ in figures:
        assert round(unweighted(vanishing(survey), "mean")[question], 3) == mean, (survey.name, question)


def test_unweighted_shares_reproduce(vanishing: Released, oracle: ById) -> None:
    found = unweighted(vanishing(BLOOMINGTON), "pct_positive")
    for question, codes in PUBLISHED_SHARES.items():
        assert found[question] == pytest.approx(oracle(BLOOMINGTON).pct_positive(question, codes), abs=0.005)


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_every_unweighted_share_and_mean_is_that_of_sql(survey: RealSurvey, vanishing: Released, oracle: ById) -> None:
    truth = oracle(survey)
    counts = truth.one_way()
    shares, means = unweighted(vanishing(survey), "pct_positive"), unweighted(vanishing(survey), "mean")
    for identifier, question in truth.questions.items():
        if question["type"] not in ("rating", "choice"):
            continue
        if question.get("positive"):
            assert shares[identifier] == pytest.approx(
                truth.pct_positive(identifier, map(str, question["positive"])), abs=0.005
            )
        if question["type"] == "rating":
            scores = truth.scores(identifier)
            base = {code: counts.get(frozenset({(identifier, code)}), 0) for code in scores}
            mean = sum(scores[code] * count for code, count in base.items()) / sum(base.values())
            assert means[identifier] == pytest.approx(mean, abs=0.0005)


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_every_unweighted_share_of_ticks_is_that_of_sql(survey: RealSurvey, vanishing: Released, oracle: ById) -> None:
    truth = oracle(survey)
    found = {
        (row["subject"], row["option"]): row["value"]
        for row in vanishing(survey).rows("summary")
        if row["statistic"] == "pct" and row["group_attribute"] is None and not row["weighted"]
    }
    for identifier, question in truth.questions.items():
        if question["type"] == "multi":
            for code, share in truth.pct_ticked(identifier).items():
                assert found[identifier, code] == pytest.approx(share, abs=0.005), (identifier, code)
