import csv
import io
from pathlib import Path

import pytest

from schemas.errors import InputRefused
from tests.intake_sample import keyless, rating, survey_with, take, take_text, written

PAIR = keyless([rating("a", "A"), rating("b", "B")])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(tmp_path: Path, separator: str, end: str) -> None:
    text = end.join(
        [f"A{separator}B{separator}Note", f'1{separator}2{separator}"x, y; z"', f"3{separator}4{separator}", ""]
    )
    taken = take_text(PAIR, tmp_path, text)
    assert (taken.cells("a"), taken.cells("b")) == (["1", "3"], ["2", "4"])


@pytest.mark.parametrize(("declared", "used"), [(";", ";"), ("tab", "\t"), ("\\t", "\t"), ("^", "^")])
def test_declared_separator(tmp_path: Path, declared: str, used: str) -> None:
    survey = keyless([rating("a", "A")], sources=[{"id": "web", "format": "delimited", "separator": declared}])
    assert take_text(survey, tmp_path, f"A{used}B,C\n2{used}x\n").cells("a") == ["2"]


def test_separator_is_judged_by_the_needed_columns(tmp_path: Path) -> None:
    """A label full of commas does not make a semicolon file a comma file."""
    text = 'A;B;"Why, when, where, and how"\n1;2;a,b\n3;4;c,d,e\n'
    assert take_text(PAIR, tmp_path, text).cells("b") == ["2", "4"]


def test_a_single_column(tmp_path: Path) -> None:
    assert take_text(keyless([rating("a", "A")]), tmp_path, "A\n1\n\n2\n").cells("a") == ["1", "2"]


def test_quoted_line_breaks_and_quotes(tmp_path: Path) -> None:
    text = 'A,Note,B\n1,"two\nlines, and ""quotes""",2\n3,5" pipe,4\n'
    taken = take_text(PAIR, tmp_path, text)
    assert taken.cells("b") == ["2", "4"]
    assert taken.quarantined == []


def test_ragged_records_are_quarantined_by_number(tmp_path: Path) -> None:
    taken = take_text(PAIR, tmp_path, "A,B\n1,2\n3\n\n1,2,3\n4,1\n")
    assert taken.reasons == [(2, "ragged"), (3, "ragged")]
    assert taken.cells("a") == ["1", "4"]
    assert taken.read == 4


def test_a_stray_quote_says_so(tmp_path: Path) -> None:
    taken = take_text(PAIR, tmp_path, 'A,B\n1,2\n"3,1\n4,1\n"\n2,2\n')
    assert taken.reasons == [(2, "ragged_with_line_breaks")]
    assert taken.cells("a") == ["1", "2"]


@pytest.mark.parametrize("last", ['"3,1\n2,2\n', '3,"1\n2,2\n', '3,"1\n2,2', '"'])
def test_a_quote_that_is_never_closed(tmp_path: Path, last: str) -> None:
    taken = take_text(PAIR, tmp_path, "A,B\n1,2\n" + last)
    assert taken.reasons == [(2, "quote_unclosed")]
    assert taken.cells("a") == ["1"]


def test_a_ragged_last_record_is_not_the_end_mark(tmp_path: Path) -> None:
    assert take_text(PAIR, tmp_path, "A,B\n1,2\n,,\n").reasons == [(2, "ragged")]
    assert take_text(PAIR, tmp_path, 'A,B\n,,\n"1,2\n').reasons == [(1, "ragged"), (2, "quote_unclosed")]


def test_header_only_is_no_error(tmp_path: Path) -> None:
    assert take_text(PAIR, tmp_path, "A,B\n").read == 0


def test_nul_bytes_pass(tmp_path: Path) -> None:
    taken = take_text(PAIR, tmp_path, "A,B\n1\x00,2\nx\x00y,3\n")
    assert taken.cells("a") == ["1", "_invalid"]


def test_many_batches_keep_record_numbers(tmp_path: Path) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["A", "B", "Note"])
    bad = []
    for number in range(1, 4001):
        ragged = number % 997 == 0
        bad += [number] if ragged else []
        writer.writerow(["1", "2", "n\n" * 1500, *(["extra"] if ragged else [])])
    taken = take_text(PAIR, tmp_path, out.getvalue())
    assert [n for n, _ in taken.reasons] == bad
    assert taken.read == 4000


def code_of(survey, folder: Path, text: str) -> str:
    with pytest.raises(InputRefused) as caught:
        take_text(survey, folder, text)
    assert "SECRET" not in caught.value.line()
    return caught.value.code


def test_refuses_header_and_format_faults(tmp_path: Path) -> None:
    assert code_of(PAIR, tmp_path, " \n\n ") == "source_empty"
    assert code_of(PAIR, tmp_path, "A,C\nSECRET,1\n") == "column_missing"
    assert code_of(PAIR, tmp_path, "A,B,A\nSECRET,1,2\n") == "column_duplicate"
    assert code_of(PAIR, tmp_path, ",".join(f"c{i}" for i in range(10_001)) + "\n") == "too_many_columns"
    assert code_of(PAIR, tmp_path, 'A,B\n1,"' + "SECRET\n" * 2_000_000) == "record_too_large"
    wrong = keyless([rating("a", "A")], sources=[{"id": "web", "format": "delimited", "separator": ", "}])
    assert code_of(wrong, tmp_path, "A\n1\n") == "separator_unusable"


def test_a_giant_cell_is_one_respondents_own_loss(tmp_path: Path) -> None:
    taken = take_text(PAIR, tmp_path, 'A,B\n1,1\n1,"' + "SECRET" * 200_000 + '"\n1,1\n')
    assert [(q.row, q.reason) for q in taken.quarantined] == [(2, "cell_too_large")]
    assert (taken.read, len(taken.rows)) == (3, 2)


def test_a_duplicated_column_that_nothing_needs(tmp_path: Path) -> None:
    assert take_text(PAIR, tmp_path, "A,B,Note,Note\n1,2,x,y\n").cells("a") == ["1"]


def test_all_headers_are_checked_before_any_row(tmp_path: Path) -> None:
    good, bad = written(tmp_path, "A,B\n1,2\n", name="1.csv"), written(tmp_path, "A\n1\n", name="2.csv")
    from pipelines.intake.assemble import encoded_batches
    from pipelines.intake.batch import SourceFile

    with pytest.raises(InputRefused):
        encoded_batches(PAIR, [SourceFile("web", good), SourceFile("web", bad)], b"k" * 32, None)


def test_unknown_source(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        take(PAIR, written(tmp_path, "A,B\n"), source="mail")
    assert caught.value.code == "source_unknown"


def test_other_containers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    for start, name in (
        (b"PK\x03\x04", "xlsx"),
        (b"PAR1", "parquet"),
        (b"\x1f\x8b", "gzip"),
        (b"\xd0\xcf\x11\xe0", "xls"),
    ):
        path.write_bytes(start + b"\x00" * 20)
        with pytest.raises(InputRefused) as caught:
            take(survey_with(), path)
        assert caught.value.code == "format_unreadable"
        assert name in caught.value.line()
