"""Nothing is lost: every record of any file is accepted, excluded or quarantined, and none is said twice."""

import csv
import io
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputRefused
from tests.intake_sample import Taken, keyless, rating, survey_with, take

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
CELL = st.one_of(
    st.sampled_from(["1", "2.0", "5", "", " ", "x", "a@b", '"', ",", "\n", "\r\n", "\x00", ";", "é"]), TEXT
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
SURVEY = survey_with(
    [
        rating("a", "A"),
        {"id": "m", "column": "M", "type": "multi", "at_most": 2, "options": {"1": "x", "x": "y", ",": "z"}},
    ],
    sources=[{"id": "web", "format": "delimited", "where": {"W": ["1", ""]}}],
)


def taken_bytes(survey, content: bytes) -> Taken:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_bytes(content)
        return take(survey, path)


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=5).filter(any), max_size=12),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=ENCODINGS,
)
def test_well_quoted_tables(rows: list[list[str]], separator: str, end: str, encoding: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["Email", "A", "M", "W"], *rows])
    taken = taken_bytes(SURVEY, out.getvalue().encode(encoding))
    assert taken.read == len(rows) == len(taken.rows) + taken.excluded + len(taken.quarantined)
    ragged = [n for n, row in enumerate(rows, 1) if len(row) != 4]
    assert [q.row for q in taken.quarantined if q.reason.startswith("ragged")] == ragged
    assert len({q.row for q in taken.quarantined}) == len(taken.quarantined)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(content: bytes) -> None:
    """Whatever follows the header: totals add up (checked in every batch), or the file is refused by a Fault."""
    with suppress(InputRefused):
        taken = taken_bytes(SURVEY, b"Email,A,M,W\n" + content)
        assert taken.read == len(taken.rows) + taken.excluded + len(taken.quarantined)


@given(st.binary(max_size=120))
def test_any_file_is_taken_or_refused(content: bytes) -> None:
    with suppress(InputRefused):
        taken_bytes(keyless([rating("a", "A")]), content)


@given(
    st.lists(st.tuples(st.sampled_from(["1", "2", " 2", ""]), st.sampled_from(["A", "B", "C", ""]), CELL), max_size=15)
)
def test_long_layouts(lines: list[tuple[str, str, str]]) -> None:
    source = {"id": "web", "format": "delimited", "layout": "long", "respondent": ["R"], "item": "I", "value": "V"}
    survey = keyless([rating("a", "A"), rating("b", "B")], sources=[source])
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("R", "I", "V"), *lines])
    named = {respondent.strip() for respondent, _, _ in lines} - {""}
    taken = taken_bytes(survey, out.getvalue().encode())
    assert len(taken.rows) == len(named)
    assert len(taken.quarantined) == sum(not respondent for respondent, _, _ in lines)
