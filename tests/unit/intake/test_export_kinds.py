"""Every kind of export comes through intake into the same answers, from a fixture with its header and its quirks."""

from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest

from pipelines.intake.formats.google_forms import time_spelled
from pipelines.intake.formats.registry import KINDS, SYSTEMS, recognised
from pipelines.intake.formats.surveymonkey import surveymonkey_header_rows
from pipelines.intake.sources import open_table
from schemas.errors import InputRefused
from schemas.survey import SourceFormat, Survey
from tests.export_samples import SAMPLES, ExportSample
from tests.intake_sample import survey_with, take

each = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def survey_of(sample: ExportSample) -> Survey:
    return survey_with(
        [
            {"id": "quality", "type": "rating", **sample.quality},
            {"id": "services", "type": "multi", "at_most": 2, **sample.services},
        ],
        sources=[{"id": "web", "format": sample.kind, **sample.source}],
        residents=sample.residents,
        **({"missing": sample.missing} if sample.missing else {}),
    )


@each
def test_an_export_becomes_answers(sample: ExportSample, tmp_path: Path) -> None:
    taken = take(survey_of(sample), sample.write(tmp_path))
    assert taken.cells("quality") == sample.expected_quality
    assert taken.cells("services") == sample.expected_services
    assert [row["complete"] for row in taken.rows] == sample.complete
    assert taken.excluded == sample.excluded


@each
def test_each_resident_has_one_pseudonym(sample: ExportSample, tmp_path: Path) -> None:
    taken = take(survey_of(sample), sample.write(tmp_path))
    assert sample.people is not None
    by_row = [row["pseudonym"] for row in taken.rows]
    for (one, first), (other, second) in combinations(zip(sample.people, by_row, strict=True), 2):
        assert (one == other) == (first == second)


@each
def test_the_order_of_time_is_that_of_the_responses(sample: ExportSample, tmp_path: Path) -> None:
    if not sample.source.get("time"):
        assert sample.kind == "delimited"
        return
    taken = take(survey_of(sample), sample.write(tmp_path))
    leo = [row["seen_at"] for row in taken.rows][-2:]
    assert leo[0] < leo[1]
    assert all(reason == "key_missing" for _, reason in taken.reasons)


def test_every_format_of_the_schema_has_its_kind() -> None:
    assert set(get_args(SourceFormat)) == set(KINDS)


@pytest.mark.parametrize("kind", [kind.name for kind in SYSTEMS])
def test_a_system_is_told_by_its_columns_and_by_no_others(kind: str, tmp_path: Path) -> None:
    sample = SAMPLES[kind]
    table = open_table(sample.write(tmp_path), survey_of(sample).sources[0], [])
    found = recognised(table.header.names)
    assert found is not None
    assert found.name == kind


def test_columns_of_a_questionnaire_are_of_no_system() -> None:
    assert recognised(["id", "wave", "q1a", "Email", "Name", "start", "Username"]) is None


def test_a_partial_response_of_limesurvey_needs_its_column(tmp_path: Path) -> None:
    sample = SAMPLES["limesurvey"]
    path = sample.write(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"submitdate", b"submitted"))
    with pytest.raises(InputRefused) as caught:
        take(survey_of(sample), path)
    assert caught.value.code == "column_missing"
    assert "sources.web.format" in caught.value.line()
    survey = survey_of(sample)
    source = survey.sources[0].model_copy(update={"absent": ("submitdate",)})
    taken = take(survey.model_copy(update={"sources": (source,)}), path)
    assert [row["complete"] for row in taken.rows] == [True, True, False, True, True]


def test_surveymonkey_without_its_row_of_choices() -> None:
    names = ["Respondent ID", "Collector ID", "Quality"]
    assert surveymonkey_header_rows([names, ["", "", "Response"]]) == 2
    assert surveymonkey_header_rows([names, ["118001", "4401", "Good"]]) == 1
    assert surveymonkey_header_rows([names]) == 1
    assert surveymonkey_header_rows([["Quality", "District"], ["Good", "North"]]) == 1, "a response becomes no name"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026/05/01 9:05:00 AM GMT-5", "2026/05/01 9:05:00 AM -0500"),
        ("2026/05/01 9:05:00 AM GMT+5:30", "2026/05/01 9:05:00 AM +0530"),
        ("2026/05/01 9:05:00 AM MDT", "2026/05/01 9:05:00 AM"),
        ("2026/05/01 9:05:00 AM", "2026/05/01 9:05:00 AM"),
        ("5/1/2026 9:05:00", "5/1/2026 9:05:00"),
    ],
)
def test_times_of_google_forms(value: str, expected: str) -> None:
    assert time_spelled(value) == expected
