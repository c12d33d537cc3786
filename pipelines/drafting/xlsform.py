"""XLSForms: the questionnaires of ODK, KoboToolbox and Survey123, as workbooks of the sheets `survey` and `choices`."""

from collections.abc import Sequence
from pathlib import Path

import fastexcel

from pipelines.drafting.codebook import Choice, Entry, unusable
from pipelines.drafting.roles import role_of
from pipelines.intake.archive import check_archive
from pipelines.intake.header import plain
from pipelines.intake.sources import container_of

_GROUPS = ("begin group", "begin_group", "begin repeat", "begin_repeat")
_ENDS = ("end group", "end_group", "end repeat", "end_repeat")
_TEXT = ("text", "note", "audio", "image", "video", "file", "barcode", "signature")
_SKIP = ("start", "end", "today", "calculate", "hidden", "acknowledge", "note", "audit")
_IDENTITY = (
    "geopoint",
    "geotrace",
    "geoshape",
    "deviceid",
    "username",
    "phonenumber",
    "email",
    "simserial",
    "subscriberid",
)
_SHEETS = ("survey", "choices")


def is_xlsform(path: Path) -> bool:
    """Whether the file is a workbook with the two sheets. Raises: InputRefused, as `container_of`."""
    if container_of(path) != "xlsx":
        return False
    check_archive(path)
    try:
        return set(_SHEETS) <= set(fastexcel.read_excel(path).sheet_names)
    except fastexcel.FastExcelError:
        return False


def read_xlsform(path: Path) -> list[tuple[str, Entry]]:
    """The questions, by each name that an export may give them: `q`, `group-q`, `group/q`, and the label.

    Raises: InputRefused (`codebook_unusable`).
    """
    try:
        book = fastexcel.read_excel(path)
        questions, choices = (_rows(book, sheet) for sheet in _SHEETS)
    except fastexcel.FastExcelError:
        raise unusable(path, "cannot be read as an XLSForm", "Export the form again") from None
    lists: dict[str, dict[str, Choice]] = {}
    for row in choices:
        name = row.get("list_name") or row.get("list name", "")
        label = _label(row) or row.get("name", "")
        lists.setdefault(name, {})[row.get("name", "")] = Choice(label, role_of(label))
    found: list[tuple[str, Entry]] = []
    groups: list[str] = []
    for row in questions:
        kind, _, list_name = row.get("type", "").partition(" ")
        if row.get("type", "").casefold() in _GROUPS:
            groups.append(row.get("name", ""))
        elif row.get("type", "").casefold() in _ENDS:
            groups = groups[:-1]
        elif row.get("name"):
            entry = _entry(kind, _label(row), lists.get(list_name.split(" ")[0], {}))
            found += [(name, entry) for name in _names(row["name"], groups, _label(row))]
    return found


def _names(name: str, groups: Sequence[str], label: str) -> list[str]:
    spelled = [name, *(mark.join((*groups, name)) for mark in ("-", "/") if groups)]
    return [*spelled, label] if label else spelled


def _entry(kind: str, label: str, options: dict[str, Choice]) -> Entry:
    if kind in ("select_one", "select_multiple", "rank"):
        return Entry(label or None, "multi" if kind == "select_multiple" else None, options or None)
    if kind in ("integer", "decimal", "range"):
        return Entry(label or None, "numeric")
    if kind in _IDENTITY:
        return Entry(label or None, "identity")
    return Entry(label or None, "skip" if kind in _SKIP else "text" if kind in _TEXT else None)


def _rows(book: fastexcel.ExcelReader, sheet: str) -> list[dict[str, str]]:
    loaded = book.load_sheet(sheet, header_row=0, dtypes="string").to_arrow().to_pylist()
    return [{str(name).casefold(): plain(value or "") for name, value in row.items()} for row in loaded]


def _label(row: dict[str, str]) -> str:
    return row.get("label") or next((row[name] for name in row if name.startswith("label::") and row[name]), "")
