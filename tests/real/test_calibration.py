"""Bloomington's published figures are weighted; the file's weights are never read, only the margins that they imply."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.real.command import Release, release_survey
from tests.real.oracle import read_declaration, read_rows
from tests.real.policies import vanishing_policy, write_declarations
from tests.real.surveys import BLOOMINGTON
from tests.real.test_declarations import PUBLISHED_SHARES

pytestmark = [pytest.mark.slow, pytest.mark.needs_shared, pytest.mark.xdist_group("calibration")]

MARGINS = {"age": "d14", "gender": "d15", "tenure": "d7", "area": "area", "building": "d6"}
"""The demographics that carry targets, and their columns."""

WITHIN_POINTS = 1.0
"""Calibration to five margins stands in for weights that the survey firm made in its own way."""


def weighted_margins(rows: list[dict[str, str]], column: str, categories: list[str]) -> dict[str, float]:
    """Public shares of a demographic as the weights have them; blank is a category of its own."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row[column] or "not_answered"] += float(row["wt"])
    everybody = sum(totals.values())
    assert set(totals) <= {*categories, "not_answered"}
    return {code: totals[code] / everybody for code in (*categories, "not_answered")}


@pytest.fixture(scope="module")
def calibrated(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    declaration = read_declaration(BLOOMINGTON.folder)
    ((_, path),) = BLOOMINGTON.paths(shared_data)
    rows = read_rows(path)
    for demographic in declaration["demographics"]:
        if demographic["id"] in MARGINS:
            categories = [str(code) for code in demographic["categories"]]
            demographic["targets"] = weighted_margins(rows, demographic["column"], categories)
    priority = [[question, group] for question in PUBLISHED_SHARES for group in MARGINS]
    workload = {
        "toplines": list(PUBLISHED_SHARES),
        "indices": "none",
        "crosstabs": {"priority": priority, "others": "none"},
        "demographics": "pairs",
    }
    home = tmp_path_factory.mktemp("calibrated")
    folder = write_declarations(home / "declarations", declaration, vanishing_policy(BLOOMINGTON, workload))
    return release_survey(BLOOMINGTON, folder, shared_data, home)


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[str, float]:
    """Weighted % of the published definition, recomputed from the file's weights without hearsafe."""
    with (shared_data / "published_results.csv").open(encoding="utf-8", newline="") as file:
        return {row["variable"]: float(row["recomputed"]) for row in csv.DictReader(file) if row["weight"] == "wt"}


def toplines(release: Release, *, weighted: bool) -> dict[str, float]:
    return {
        row["subject"]: row["value"]
        for row in release.rows("summary")
        if row["statistic"] == "pct_positive" and row["group_attribute"] is None and row["weighted"] is weighted
    }


def test_targets_are_the_declared_demographics(shared_data: Path) -> None:
    declared = {d["id"]: d["column"] for d in read_declaration(BLOOMINGTON.folder)["demographics"]}
    assert MARGINS.items() <= declared.items()
    ((_, path),) = BLOOMINGTON.paths(shared_data)
    margins = weighted_margins(read_rows(path), "d7", ["1", "2"])
    assert sum(margins.values()) == pytest.approx(1)


def test_calibrated_toplines_are_near_the_published_weighted_ones(
    calibrated: Release, published: dict[str, float]
) -> None:
    found = toplines(calibrated, weighted=True)
    assert set(published) == set(PUBLISHED_SHARES) <= set(found)
    misses = {question: round(found[question] - value, 2) for question, value in published.items()}
    assert {question: miss for question, miss in misses.items() if abs(miss) > WITHIN_POINTS} == {}


def test_calibration_moves_what_weights_move(calibrated: Release, published: dict[str, float]) -> None:
    """Unweighted, the neighbourhood rating is 79.0: five points from the published figure."""
    before, after = toplines(calibrated, weighted=False), toplines(calibrated, weighted=True)
    assert before["q1b"] == pytest.approx(79.02, abs=0.005)
    assert abs(after["q1b"] - published["q1b"]) < abs(before["q1b"] - published["q1b"]) / 5


def test_card_says_that_toplines_are_calibrated(calibrated: Release) -> None:
    targets = {a["id"]: a["targets"] for a in calibrated.card()["instrument"]["attributes"]}
    for demographic in MARGINS:
        assert sum(targets[demographic].values()) == pytest.approx(1, abs=0.005)
