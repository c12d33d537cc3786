"""Rankings: one cell a place at most, by a rule on the row alone, and the worst row reaches the declared sensitivity."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.intake.cells import MissingMap
from pipelines.intake.ranking import Ranking
from pipelines.intake.records import Records
from privacy.sensitivity import table_sensitivity
from schemas.attributes import attributes_of
from schemas.questions import RankingQuestion
from tests.intake_sample import keyless, take_text

OPTIONS = {"1": "Parks", "2": {"label": "Roads", "also": ["Streets"]}, "3": "Buses", "4": "Taxes"}
QUESTION = {"id": "top", "type": "ranking", "columns": ["A", "B", "C"], "options": OPTIONS}
MISSING = {"": "not_answered", "NA": "not_asked"}


def ranked(folder: Path, *rows: str, **changes: Any) -> list[list[str]]:
    survey = keyless([QUESTION | changes], missing=MISSING)
    return take_text(survey, folder, "A,B,C,x\n" + "".join(f"{row},x\n" for row in rows)).cells("top")


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("1,2,3", ["1@1", "2@2", "3@3"]),
        ("4,,", ["4@1"]),
        ("4.0, Streets ,1", ["4@1", "2@2", "1@3"]),
        (",2,3", ["2@2", "3@3"]),  # a gap moves nothing up
        ("2,,1", ["2@1", "1@3"]),
        ("2,2,2", ["2@1"]),  # a repeat counts at its first place
        ("2,1,2", ["2@1", "1@2"]),
        (",3,3", ["3@2"]),
        ("5,2,", ["2@2"]),  # text that is no option takes its place and nothing else
        ("5,,", ["_invalid"]),
        ("5,NA,NA", ["_invalid"]),
        (",,", ["_not_answered"]),
        ("NA,NA,NA", ["_not_asked"]),
        ("NA,,NA", ["_not_answered"]),
    ],
)
def test_rows(tmp_path: Path, row: str, cells: list[str]) -> None:
    assert ranked(tmp_path, row) == [cells]


def test_rows_do_not_decide_about_each_other(tmp_path: Path) -> None:
    rows = ["1,2,3", ",,", "9,,", "2,2,1", "NA,NA,NA"]
    assert ranked(tmp_path, *rows) == [ranked(tmp_path, row)[0] for row in rows]


def test_places_that_a_source_lacks_were_not_asked(tmp_path: Path) -> None:
    sources = [{"id": "web", "format": "delimited", "absent": ["C"]}]
    survey = keyless([QUESTION], missing=MISSING, sources=sources)
    assert take_text(survey, tmp_path, "A,B\n1,2\n,\n").cells("top") == [["1@1", "2@2"], ["_not_answered"]]
    none = keyless([QUESTION], missing=MISSING, sources=[sources[0] | {"absent": ["A", "B", "C"]}])
    assert take_text(none, tmp_path, "x,y\n1,2\n").cells("top") == [["_not_asked"]]


@pytest.mark.parametrize("places", [1, 2, 3])
def test_the_worst_respondent_reaches_the_sensitivity_and_nobody_exceeds_it(places: int) -> None:
    """Every row that can be written with three options, blanks, missing codes and text that is no option."""
    columns = ["A", "B", "C"][:places]
    question = RankingQuestion.model_validate(QUESTION | {"columns": columns})
    survey = keyless([question.model_dump()], missing=MISSING)
    (attribute,) = attributes_of(survey)
    values = ["1", "2", "3", "Streets", "", "NA", "x"]
    rows = list(product(values, repeat=places))
    records = Records(
        {column: pa.array([row[i] for row in rows]) for i, column in enumerate(columns)}, np.arange(len(rows))
    )
    cells = Ranking(question, attribute, MissingMap(survey.missing)).encode(records).astype(np.int64)
    bound = table_sensitivity((attribute,), shared_keys=False)
    assert (bound.l1, bound.l2_squared) == (places, places)
    assert cells.sum(axis=1).max() == bound.l1 and cells.sum(axis=1).min() == 1
    assert (cells**2).sum(axis=1).max() == bound.l2_squared
    by_place = cells[:, : places * len(OPTIONS)].reshape(len(rows), places, len(OPTIONS))
    assert by_place.sum(axis=2).max() == 1, "two options at one place"
    assert by_place.sum(axis=1).max() == 1, "one option at two places"
    exchange = table_sensitivity((attribute,), shared_keys=True)
    furthest = max(int(np.abs(cells - one).sum(axis=1).max()) for one in cells)
    assert furthest == exchange.l1


@pytest.mark.parametrize("columns", [["A", "A"], ["A", "B", "C", "D", "E"], []])
def test_impossible_places_are_refused(columns: list[str]) -> None:
    with pytest.raises(ValidationError):
        RankingQuestion.model_validate(QUESTION | {"columns": columns})
