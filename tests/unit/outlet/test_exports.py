"""Workbook and CSV of a release: the same figures, no text that a spreadsheet would compute, nothing replaced."""

import csv
import io
import re
import zipfile
from pathlib import Path

import fastexcel
import pyarrow.parquet as pq
import pytest

from flows.command_line import run
from pipelines.outlet.cell_text import cell_text
from pipelines.outlet.csv_export import csv_files, figures_csv
from pipelines.outlet.labelled import labelled_rows
from pipelines.outlet.publish import publish
from pipelines.outlet.verify import Verification, verify
from pipelines.outlet.workbook import _sheet_name, workbook_bytes
from schemas.card import Card, CardAttribute
from tests.outlet_sample import Sample, make_sample

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0", "＝1+1")


@pytest.fixture(scope="module")
def found(published: Path) -> Verification:
    return verify(published)


@pytest.fixture(scope="module")
def hostile(found: Verification) -> Verification:
    """The release with labels that spreadsheets would compute."""
    attributes: list[CardAttribute] = []
    for number, attribute in enumerate(found.card.instrument.attributes):
        cells = tuple(
            cell.model_copy(update={"label": FORMULAS[(number + i) % len(FORMULAS)]})
            for i, cell in enumerate(attribute.cells)
        )
        update = {"label": FORMULAS[number % len(FORMULAS)], "base": "=1+1", "cells": cells}
        attributes.append(attribute.model_copy(update=update))
    instrument = found.card.instrument.model_copy(update={"attributes": tuple(attributes)})
    card: Card = found.card.model_copy(update={"instrument": instrument, "title": "=1+1"})
    return Verification(**{**vars(found), "card": card})


@pytest.fixture(scope="module")
def book(found: Verification) -> bytes:
    return workbook_bytes(found)


def rows_of(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheets_of(content: bytes) -> dict[str, list[list[str]]]:
    book = fastexcel.read_excel(content)
    return {
        name: [
            list(row.values()) for row in book.load_sheet(name, header_row=None, dtypes="string").to_arrow().to_pylist()
        ]
        for name in book.sheet_names
    }


def test_the_figures_as_csv_are_those_of_the_parquet_file(found: Verification, published: Path) -> None:
    rows = rows_of(figures_csv(found))
    summary = pq.read_table(published / "summary.parquet").to_pylist()
    assert len(rows) == len(summary)
    for row, figure in zip(rows, summary, strict=True):
        for name, value in figure.items():
            if isinstance(value, bool):
                assert row[name] == str(value).lower()
            elif isinstance(value, float):
                assert float(row[name]) == value
            else:
                assert row[name] == ("" if value is None else value)
    positive = next(row for row in rows if row["subject"] == "item_0" and row["statistic"] == "pct_positive")
    assert positive["question"] == "Overall quality of life"
    grouped = next(row for row in rows if row["group_attribute"] == "district" and row["group"] == "N")
    assert (grouped["group_attribute_label"], grouped["group_label"]) == ("District", "North")


def test_the_folder_holds_every_table(found: Verification) -> None:
    files = csv_files(found)
    assert set(files) == {"figures.csv", "estimates.csv", "measurements.csv", "labels.csv"}
    assert len(rows_of(files["measurements.csv"])) == found.measurements.num_rows
    assert len(rows_of(files["estimates.csv"])) == found.estimates.num_rows
    assert {"attribute": "district", "code": "N", "code_label": "North"}.items() <= next(
        row for row in rows_of(files["labels.csv"]) if (row["attribute"], row["code"]) == ("district", "N")
    ).items()


def test_the_workbook_has_a_sheet_a_question_and_the_same_numbers(found: Verification, book: bytes) -> None:
    sheets = sheets_of(book)
    subjects = {row["subject"].removesuffix("__mean") for row in labelled_rows(found.card, found.summary)}
    assert {name for name in sheets if name not in ("Read me", "Questions")} == subjects
    sheet = sheets["item_0"]
    assert sheet[0][0] == "Overall quality of life"
    figures = [row for row in labelled_rows(found.card, found.summary) if row["subject"] == "item_0"]
    body = sheet[4:]
    assert len(body) == len(figures)
    for cells, figure in zip(body, figures, strict=True):
        if figure["value"] is not None and figure["reason"] not in ("no_information", "undefined"):
            assert float(cells[4]) == pytest.approx(figure["value"])
            assert float(cells[5]) == pytest.approx(figure["moe"])
        assert cells[10] == ("yes" if figure["publishable"] else "no")


def test_the_workbook_has_number_formats_and_frozen_panes(book: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        styles = archive.read("xl/styles.xml").decode()
        sheet = archive.read("xl/worksheets/sheet3.xml").decode()
        names = archive.namelist()
    assert '0.0" %"' in styles.replace("&quot;", '"')
    assert re.search(r'<pane xSplit="4" ySplit="4" [^>]*state="frozen"', sheet)
    assert "<autoFilter" in sheet
    assert not [name for name in names if "external" in name.casefold()]


def test_what_knows_nothing_shows_no_number(found: Verification) -> None:
    silent = found.summary.to_pylist()
    rows = [row | {"reason": "no_information", "publishable": False} for row in silent]
    table = found.summary.from_pylist(rows, schema=found.summary.schema)
    sheets = sheets_of(workbook_bytes(Verification(**{**vars(found), "summary": table})))
    for name, sheet in sheets.items():
        if name not in ("Read me", "Questions"):
            assert {cell for row in sheet[4:] for cell in row[4:9]} <= {"", None}


def test_no_text_becomes_a_formula(hostile: Verification) -> None:
    content = workbook_bytes(hostile)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert "<f>" not in archive.read(name).decode(), name
    texts = [cell for sheet in sheets_of(content).values() for row in sheet for cell in row if cell]
    texts += [cell for file in csv_files(hostile).values() for row in rows_of(file) for cell in row.values() if cell]
    assert any(text.startswith("'=HYPERLINK") for text in texts)
    dangerous = [text for text in texts if text.startswith(tuple("=+-@\t\r＝")) and not is_number(text)]
    assert dangerous == []


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", FORMULAS)
def test_each_way_to_begin_a_formula_is_escaped(text: str) -> None:
    assert cell_text(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Good", "-99", "+1", "1-3 years", "-1,5", " =1", "5 = Don't know"])
def test_other_texts_are_left_as_they_are(text: str) -> None:
    assert cell_text(text) == text


def test_names_of_sheets_are_short_and_different() -> None:
    taken = {"questions", "history"}
    names = [_sheet_name(name, taken) for name in ("a" * 40, "a" * 41, "A" * 40, "questions", "history", "q[1]:*?/")]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(len(name) <= 31 and not set("[]:*?/\\'") & set(name) for name in names)


def test_the_same_release_gives_the_same_bytes(found: Verification, book: bytes) -> None:
    assert workbook_bytes(found) == book
    assert csv_files(found) == csv_files(found)


def test_the_command_writes_and_replaces_nothing(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("r.xlsx", "r.csv", "tables"):
        assert run(["export", str(published), "--to", str(tmp_path / name)]) == 0
        assert run(["export", str(published), "--to", str(tmp_path / name)]) == 2
        assert "export replaces nothing" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == [
        "estimates.csv", "figures.csv", "labels.csv", "measurements.csv",
    ]  # fmt: skip
    assert run(["export", str(published), "--to", str(published / "r.xlsx")]) == 2
    assert run(["export", str(published), "--to", str(tmp_path / "no" / "r.xlsx")]) == 2
    assert run(["export", str(published), "--to", str(published)]) == 2
    assert len(list(published.iterdir())) == 7
    assert run(["export", str(published), "--to", str(tmp_path / "r.pdf")]) == 2
    assert "there is no export of this kind" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "r.pdf").exists()


def test_a_changed_release_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small: Sample = make_sample(ratings=2, people=120)
    folder = tmp_path / "r"
    publish(folder, small.context, small.released, small.estimates, small.summary, small.sign)
    (folder / "card.json").write_bytes((folder / "card.json").read_bytes() + b"\n")
    assert run(["export", str(folder), "--to", str(tmp_path / "r.xlsx")]) == 7
    assert not (tmp_path / "r.xlsx").exists()
