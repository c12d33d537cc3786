"""A later ingest into a wave: one resident stays one row, or the ingest is refused."""

from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.intake.batch import SourceFile
from pipelines.zone.ingest_room import WaveKeys, ingest, ingest_lines
from pipelines.zone.lineage import encoding_digest
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.storage import open_zone
from schemas.errors import InputRefused
from schemas.survey import Survey
from tests.intake_sample import KEY, keyless, rating, survey_with

ZONE_KEY = b"z" * 32
ROWS = "Email,Phone,Q1\na@x.org,1,1\nA@x.org,2,2\nb@x.org,3,1\n"


def take(zone: Path, survey: Survey, text: str | None, *, replace: bool = False) -> int:
    """Ingest one file, written anew unless `text` is None. Returns: the rows that the zone then counts."""
    path = zone / "export.csv"
    if text is not None:
        path.write_text(text)
    ingest(
        zone,
        survey,
        [SourceFile("web", path)],
        None,
        WaveKeys(ZONE_KEY, KEY, "a" * 64),
        replace=replace,
        memory="200MB",
        tell=lambda _: None,
    )
    return counted(zone)


def counted(zone: Path) -> int:
    snapshot = current_snapshot(zone, ZONE_KEY)
    with open_zone({"zone": (snapshot.path, False)}, ZONE_KEY, spill=zone / "spill") as connection:
        return int(connection.execute("SELECT count(*) FROM zone.core_responses").fetchall()[0][0])


def test_a_longer_export_of_the_same_residents_counts_each_once(tmp_path: Path) -> None:
    assert take(tmp_path, survey_with(), ROWS) == 2
    assert take(tmp_path, survey_with(), ROWS + "b@x.org,3,2\nc@x.org,4,1\n") == 3


def test_a_file_is_new_by_when_it_was_written_and_not_by_what_it_holds(tmp_path: Path) -> None:
    """Else a charge would tell whether anybody answered since the last export."""
    seen: list[str] = []
    for text in (ROWS, None, ROWS, ROWS + "c@x.org,4,1\n", None):
        take(tmp_path, survey_with(), text)
        seen.append(current_snapshot(tmp_path, ZONE_KEY).id)
    assert [a == b for a, b in pairwise(seen)] == [True, False, False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"residents": {"key": ["Phone"], "normalise": "email"}},
        {"residents": {"key": ["Email"], "normalise": "exact"}},
        {"residents": {"key": ["Email"], "normalise": "email", "plus_addresses": True}},
        {"missing": {"": "not_answered", "a@x.org": "not_answered"}},
        {"eligible": {"column": "Q1", "in": ["1"]}},
        {"questions": [rating("quality", "Phone")]},
    ],
)
def test_residents_told_apart_in_another_way_do_not_join_those_of_before(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    take(tmp_path, survey_with(), ROWS)
    changed = survey_with(**changes)
    with pytest.raises(InputRefused) as caught:
        take(tmp_path, changed, ROWS)
    assert caught.value.code == "declaration_changed"
    assert counted(tmp_path) == 2
    assert encoding_digest(changed) != encoding_digest(survey_with())


def test_identity_columns_named_for_reviewers_change_nothing(tmp_path: Path) -> None:
    take(tmp_path, survey_with(), ROWS)
    named = survey_with(residents={"key": ["Email"], "normalise": "email", "drop": ["Phone"]})
    assert take(tmp_path, named, ROWS) == 2


def test_without_a_key_a_longer_export_is_not_counted_on_top(tmp_path: Path) -> None:
    survey = keyless([rating("quality", "Q1")])
    assert take(tmp_path, survey, ROWS) == 3
    assert take(tmp_path, survey, None) == 3
    for export in (ROWS + "c@x.org,4,1\n", ROWS):
        with pytest.raises(InputRefused) as caught:
            take(tmp_path, survey, export)
        assert caught.value.code == "no_key_to_merge_by"
    assert counted(tmp_path) == 3
    assert take(tmp_path, survey, ROWS + "c@x.org,4,1\n", replace=True) == 4


def test_a_source_read_by_other_rules_does_not_join_its_rows_of_before(tmp_path: Path) -> None:
    take(tmp_path, survey_with(), ROWS)
    web = {"id": "web", "format": "delimited"}
    stricter = survey_with(sources=[web | {"where": {"Q1": ["1"]}}])
    with pytest.raises(InputRefused) as caught:
        take(tmp_path, stricter, ROWS)
    assert caught.value.code == "declaration_changed"
    assert take(tmp_path, survey_with(sources=[web, {"id": "mail", "format": "xlsx"}]), ROWS) == 2
    assert take(tmp_path, stricter, ROWS, replace=True) == 2


def test_better_wording_changes_nothing(tmp_path: Path) -> None:
    take(tmp_path, survey_with(), ROWS)
    worded = survey_with(title="Better", questions=[rating("quality", "Q1") | {"text": "How good is it?"}])
    assert take(tmp_path, worded, ROWS) == 2


def test_an_operator_sees_which_question_is_read_by_the_wrong_options(tmp_path: Path) -> None:
    survey = survey_with()
    take(tmp_path, survey, ROWS + "c@x.org,4,Excellent\n")
    lines = ingest_lines(tmp_path, survey, ZONE_KEY)
    assert "not readable: quality: 1" in lines
    assert not [line for line in lines if "Excellent" in line]
