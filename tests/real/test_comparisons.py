"""Quantiles and changes between waves of real surveys, with noise that rounds to nothing, against SQL and sorting."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.real.command import Release, hearsafe
from tests.real.oracle import Oracle, read_declaration, responses
from tests.real.policies import VANISHING_RHO, vanishing_policy, write_declarations
from tests.real.surveys import SOMERVILLE_2013, SOMERVILLE_2015, TAMPA_BAY, RealSurvey, each

pytestmark = [pytest.mark.slow, pytest.mark.needs_shared]

TOPLINES = {"toplines": "all", "indices": "none", "crosstabs": {"others": "none"}, "demographics": "single"}
CUT = {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9}


@pytest.mark.parametrize("survey", each(TAMPA_BAY))
def test_quantiles_hold_those_of_the_sorted_answers(
    survey: RealSurvey, vanishing: Callable[[RealSurvey], Release], oracle: Callable[[RealSurvey], Oracle], shared_data: Path
) -> None:  # fmt: skip
    truth = oracle(survey)
    rows = responses(read_declaration(survey.folder), survey.paths(shared_data))
    found = {
        (row["subject"], row["statistic"]): row
        for row in vanishing(survey).rows("summary")
        if row["group_attribute"] is None and not row["weighted"]
    }
    numeric = [question for question in truth.questions.values() if question["type"] == "numeric"]
    assert len(numeric) == 5
    for question in numeric:
        low, high = question["bounds"]
        numbers = sorted(
            float(text) for row in rows if (text := row.get(question["column"], "")).replace(".", "", 1).isdigit()
        )  # fmt: skip
        numbers = [number for number in numbers if low <= number <= high]
        counts = [
            truth.one_way().get(frozenset({(question["id"], f"{edge:g}")}), 0.0) for edge in question["bins"][:-1]
        ]
        assert sum(counts) == len(numbers)
        for statistic, q in CUT.items():
            row = found[question["id"], statistic]
            assert row["low"] <= np.quantile(numbers, q, method="inverted_cdf") <= row["high"]
            assert row["value"] == pytest.approx(_interpolated(question["bins"], counts, q), abs=0.02)


def _interpolated(edges: list[float], counts: list[float], q: float) -> float:
    below, wanted = 0.0, q * sum(counts)
    for (low, high), people in zip(pairwise(edges), counts, strict=True):
        if people and below + people >= wanted:
            return low + (wanted - below) / people * (high - low)
        below += people
    raise AssertionError("no people")


@pytest.mark.extended
@pytest.mark.xdist_group("real-somerville-trends")
def test_changes_between_two_waves_are_those_of_sql(
    oracle: Callable[[RealSurvey], Oracle], shared_data: Path, tmp_path: Path
) -> None:
    """Happiness in Somerville, 2013 to 2015: the same questions in columns of other names."""
    waves = (SOMERVILLE_2013, SOMERVILLE_2015)
    names = ("happiness", "life", "somerville", "neighborhood", "housing", "police")
    for survey in waves:
        declaration = read_declaration(survey.folder)
        if survey is SOMERVILLE_2015:
            declaration["trends"] = {name: {"2013": name} for name in names}
        policy = vanishing_policy(survey, TOPLINES)
        policy["caps"]["lifetime"] = policy["caps"]["year"] = {"rho": VANISHING_RHO}
        policy["caps"]["release"] = policy["caps"]["wave"] = {"rho": VANISHING_RHO // 2}
        policy["spend"]["rho"] = VANISHING_RHO // 2
        folder = write_declarations(tmp_path / survey.name, declaration, policy)
        hearsafe("ingest", folder, *survey.sources(shared_data), workspace=tmp_path / "workspace")
        hearsafe("release", folder, workspace=tmp_path / "workspace")
    (released,) = (tmp_path / "workspace" / "releases").glob("*/2015/*/MANIFEST.json")
    found = {
        (row["subject"], row["statistic"]): row
        for row in Release(released.parent, tmp_path / "workspace").rows("summary")
        if row["compared_with"] == "2013" and row["option"] is None and not row["weighted"]
    }
    assert {subject for subject, _ in found} == set(names)
    for name in names:
        means = []
        for survey in waves:
            truth = oracle(survey)
            scores = truth.scores(name)
            counts = {code: truth.one_way().get(frozenset({(name, code)}), 0) for code in scores}
            means.append(sum(scores[code] * count for code, count in counts.items()) / sum(counts.values()))
        row = found[name, "mean_change"]
        assert row["value"] == pytest.approx(means[1] - means[0], abs=0.001)
        assert row["low"] <= means[1] - means[0] <= row["high"] and row["sampling_moe"] > 0
