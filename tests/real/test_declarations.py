"""The declarations in examples/ load, and the oracle that reads them reproduces what the survey owners published."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.declarations import load_declarations
from tests.real.oracle import Oracle, read_declaration, read_rows
from tests.real.surveys import (
    BLOOMINGTON,
    SOMERVILLE_2011,
    SOMERVILLE_2013,
    SOMERVILLE_2015,
    SOMERVILLE_2017,
    SURVEYS,
    TAMPA_BAY,
    RealSurvey,
    each,
)

pytestmark = pytest.mark.needs_shared

ById = Callable[[RealSurvey], Oracle]


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_declarations_load(survey: RealSurvey) -> None:
    declarations = load_declarations(survey.folder)
    assert declarations.policy.spend.epsilon == 3
    assert declarations.policy.delta == 1e-6
    assert declarations.policy.approvals.needed == 0


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_every_column_of_the_files_is_used_or_dropped_by_name_or_free_of_answers(
    survey: RealSurvey, shared_data: Path
) -> None:
    declaration = read_declaration(survey.folder)
    used = {d["column"] for d in declaration["demographics"]}
    for question in declaration["questions"]:
        used |= set(question["columns"].values()) if "columns" in question else {question["column"]}
    used |= set(declaration["residents"].get("drop", ()))
    for _, path in survey.paths(shared_data):
        header = set(read_rows(path)[0])
        assert {c for c in used if c not in header} <= {"KANTARID", "REFERRAL"}
        left = header - used - {"Year", "id", "Combined_ID", "ResponseId", "Status", "RecordedDate", "Finished"}
        if survey in (BLOOMINGTON, SOMERVILLE_2017):
            assert not left
        elif survey is TAMPA_BAY:
            assert left == {"Progress", "UserLanguage", "Consent", "ATTNCHECK1", "ATTNCHECK2", "SCORE_RAW"}


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_number_of_responses_is_the_published_one(survey: RealSurvey, oracle: ById) -> None:
    assert oracle(survey).responses == survey.responses


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_each_response_has_one_cell_of_each_single_choice(survey: RealSurvey, oracle: ById) -> None:
    truth = oracle(survey)
    totals: dict[str, float] = {}
    for key, count in truth.one_way().items():
        ((attribute, _),) = key
        totals[attribute] = totals.get(attribute, 0) + count
    multis = {q for q, question in truth.questions.items() if question["type"] == "multi"}
    for attribute, total in totals.items():
        assert total == pytest.approx(truth.responses, abs=1e-6) or attribute in multis, attribute
    assert all(truth.most_ticks(q) <= truth.questions[q]["at_most"] for q in multis), "no tick is cut"


# question of the declaration and codes counted as the published figure does
PUBLISHED_SHARES = {"q1b": ("1", "2"), "q1d": ("1", "2"), "q15": ("4",), "q16": ("1",)}

PUBLISHED_MEANS = {
    ("2011", "How.happy.do.you.feel.right.now."): (SOMERVILLE_2011, "happiness"),
    ("2013", "How.happy.do.you.feel.right.now."): (SOMERVILLE_2013, "happiness"),
    ("2015", "How.happy.do.you.feel.right.now."): (SOMERVILLE_2015, "happiness"),
    ("2015", "How.would.you.rate.the.following..The.cost.of.housing."): (SOMERVILLE_2015, "housing"),
    ("2015", "How.would.you.rate.the.following..The.overall.quality.of.public.schools."): (SOMERVILLE_2015, "schools"),
    ("2015", "How.would.you.rate.the.following..Your.trust.in.the.local.police_2015"): (SOMERVILLE_2015, "police"),
    ("2015", "How.would.you.rate.the.following..The.availability.of.social.community.events"): (
        SOMERVILLE_2015,
        "events",
    ),
    ("2015", "How.would.you.rate.the.following..The.availability.of.information.about.city.services._2015"): (
        SOMERVILLE_2015,
        "information",
    ),
    ("2011", "How.satisfied.are.you.with.your.life.in.general."): (SOMERVILLE_2011, "life"),
    ("2011", "How.satisfied.are.you.with.Somerville.as.a.place.to.live."): (SOMERVILLE_2011, "somerville"),
}


def published_means(shared_data: Path) -> list[tuple[RealSurvey, str, float, int]]:
    """Survey, question, recomputed mean and its base, of the published figures that are means."""
    with (shared_data / "published_results.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["statistic"] == "mean"]
    found = []
    for row in rows:
        survey, question = PUBLISHED_MEANS[row["subset"].removeprefix("Year="), row["variable"]]
        found.append((survey, question, float(row["recomputed"]), int(row["n_valid"])))
    return found


def test_oracle_reproduces_published_means(oracle: ById, shared_data: Path) -> None:
    figures = published_means(shared_data)
    assert len(figures) == 10
    for survey, question, mean, base in figures:
        truth = oracle(survey)
        counts = {code: truth.one_way().get(frozenset({(question, code)}), 0) for code in truth.scores(question)}
        assert sum(counts.values()) == base
        average = sum(truth.scores(question)[code] * count for code, count in counts.items()) / base
        assert round(average, 3) == mean


def test_oracle_reproduces_unweighted_shares(oracle: ById) -> None:
    truth = oracle(BLOOMINGTON)
    found = {question: truth.pct_positive(question, codes) for question, codes in PUBLISHED_SHARES.items()}
    assert {question: round(value, 2) for question, value in found.items()} == {
        "q1b": 79.02,
        "q1d": 65.45,
        "q15": 64.14,
        "q16": 65.88,
    }


def test_favourable_codes_are_those_of_the_published_figures() -> None:
    declared = {q["id"]: tuple(q.get("positive", ())) for q in read_declaration(BLOOMINGTON.folder)["questions"]}
    assert {question: declared[question] for question in PUBLISHED_SHARES} == PUBLISHED_SHARES


def test_quirks_that_the_publishers_warn_of(oracle: ById) -> None:
    somerville, later, tampa = oracle(SOMERVILLE_2011), oracle(SOMERVILLE_2017), oracle(TAMPA_BAY)
    assert somerville.one_way()[frozenset({("happiness", "_invalid")})] == 5
    assert somerville.one_way()[frozenset({("gender", "Transgender")})] == 20
    assert frozenset({("race", "_invalid")}) not in somerville.one_way()
    assert later.one_way()[frozenset({("race", "_invalid")})] > 0
    multis = [q for q, question in tampa.questions.items() if question["type"] == "multi"]
    assert all(frozenset({(q, "_invalid")}) not in tampa.one_way() for q in multis)
