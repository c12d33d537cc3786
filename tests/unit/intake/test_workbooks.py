import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from pipelines.intake.archive import check_archive
from schemas.errors import InputRefused
from tests.intake_sample import keyless, rating, survey_with, take


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    for rows in sheets:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(number, column, value)
    book.close()
    return path


WHEN = datetime(2026, 5, 1, 13, 45)  # noqa: DTZ001 (a workbook's dates have no zone)
XLSX = [{"id": "web", "format": "xlsx", "time": {"column": "When", "pattern": "%d/%m/%Y %H:%M"}}]
SURVEY = survey_with([rating("a", "A"), rating("b", "B", half_steps=True)], sources=XLSX)


def test_everything_is_text_and_whole_numbers_are_whole(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "export.xlsx",
        [
            ["Email", "A", "B", "When"],
            ["ana@example.org", 1.0, 2.5, WHEN],
            [None, None, None, None],
            ["ben@example.org", "2", "NA", "01/05/2026 13:45"],
            [None, 3, 3, None],
            ["eva@example.org", True, None, "noon"],
        ],
    )
    taken = take(SURVEY, path)
    assert taken.cells("a") == ["1", "2"]
    assert taken.cells("b") == ["2.5", "_invalid"]
    assert taken.rows[0]["seen_at"] == taken.rows[1]["seen_at"] == 1_777_643_100_000_000
    assert taken.reasons == [(4, "key_missing"), (5, "time_unreadable")]
    assert taken.read == 4


def test_sheets(tmp_path: Path) -> None:
    path = workbook(tmp_path / "export.xlsx", [["X"], [1]], [["A"], [2]])
    for sheet in ("Sheet2",):
        survey = keyless([rating("a", "A")], sources=[{"id": "web", "format": "xlsx", "sheet": sheet}])
        assert take(survey, path).cells("a") == ["2"]
    survey = keyless([rating("a", "A")], sources=[{"id": "web", "format": "xlsx", "sheet": "Data"}])
    with pytest.raises(InputRefused) as caught:
        take(survey, path)
    assert caught.value.code == "sheet_missing"
    assert "'Sheet1', 'Sheet2'" in caught.value.line()


def test_a_qualtrics_workbook(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "export.xlsx",
        [["Status", "A"], ["Response Type", "Rate us"], ['{"ImportId":"status"}', "{}"], [None, 2]],
    )
    assert take(keyless([rating("a", "A")], sources=[{"id": "web", "format": "qualtrics"}]), path).cells("a") == ["2"]


def test_damaged_workbooks_are_refused(tmp_path: Path) -> None:
    good = workbook(tmp_path / "good.xlsx", [["Email", "A", "B", "When"]]).read_bytes()
    path = tmp_path / "export.xlsx"
    for content in (
        good[:-40],
        good[: len(good) // 2],
        good[:10],
        good[:200] + b"\x00" * 50 + good[250:],
        b"PK\x03\x04",
    ):
        path.write_bytes(content)
        with pytest.raises(InputRefused) as caught:
            take(SURVEY, path)
        assert caught.value.code == "format_unreadable"


def test_text_declared_as_workbook(tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    path.write_text("Email,A,B,When\n")
    with pytest.raises(InputRefused) as caught:
        take(SURVEY, path)
    assert caught.value.code == "format_unreadable"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (64 << 20))
    with pytest.raises(InputRefused) as caught:
        take(SURVEY, path)
    assert caught.value.code == "archive_too_large"


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 << 20))
    lying = path.read_bytes().replace((40 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(lying)
    with pytest.raises(InputRefused) as caught:
        check_archive(path)
    assert caught.value.code == "archive_too_large"


def test_the_limit_counts_all_members(tmp_path: Path) -> None:
    path = tmp_path / "many.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10):
            archive.writestr(f"{number}.xml", b"0" * 1000)
    check_archive(path, limit=10_000)
    with pytest.raises(InputRefused):
        check_archive(path, limit=9_999)
