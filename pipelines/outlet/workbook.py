"""A release as a workbook: what it is, an overview of all questions, and one sheet a question."""

import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.outlet.cell_text import cell_text
from pipelines.outlet.figures import HEADLINES
from pipelines.outlet.labelled import MEAN_SUFFIX, labelled_rows
from pipelines.outlet.verify import Verification

_LONGEST_NAME = 31
_OVERVIEW = "Questions"
_NUMBERS = {"percent": '0.0" %"', "points": "0.0", "score": "0.00", "respondents": "#,##0"}
_COLUMNS = (
    ("Statistic", 16), ("Answer", 34), ("Group", 20), ("Category", 26), ("Value", 10), ("Margin ±", 10), ("Low", 10),
    ("High", 10), ("People (about)", 14), ("Weighted", 10), ("Finding", 9), ("Why not", 34),
    ("Sign is known", 10),
)  # fmt: skip
_HIDDEN = ("no_information", "undefined")
_STATISTICS = {
    "pct": "% of answers", "pct_positive": "% positive", "pct_no_opinion": "% no opinion", "mean": "Mean",
    "nps": "Net promoter score", "index": "Index", "population": "Respondents",
}  # fmt: skip

_DERIVED = {"_difference": "less everybody", "_benchmark_gap": "less the benchmark"}

Row = Mapping[str, Any]


def workbook_bytes(found: Verification) -> bytes:
    """The workbook of a verified release. Every text is written as text, none as a formula."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": found.card.title, "created": datetime.fromisoformat(found.card.time)})
        _Writer(book, found).write()
    return out.getvalue()


class _Writer:
    """Writes the sheets of one workbook."""

    def __init__(self, book: Workbook, found: Verification) -> None:
        self._book = book
        self._found = found
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in labelled_rows(found.card, found.summary):
            rows[row["subject"].removesuffix(MEAN_SUFFIX)].append(row)
        self._rows = rows
        self._attributes = [a for a in found.card.instrument.attributes if a.id in rows]
        taken = {_OVERVIEW.casefold(), "read me", "history"}
        self._sheets = {attribute.id: _sheet_name(attribute.id, taken) for attribute in self._attributes}

    def write(self) -> None:
        self._read_me()
        overview = self._book.add_worksheet(_OVERVIEW)
        for attribute in self._attributes:
            sheet = self._book.add_worksheet(self._sheets[attribute.id])
            self._question(sheet, attribute.label, attribute.base, self._rows[attribute.id])
        self._overview(overview)

    def _format(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def _read_me(self) -> None:
        card, loss = self._found.card, self._found.card.expert.privacy_loss.privacy_parameters
        sheet = self._book.add_worksheet("Read me")
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, 100)
        epsilon = "no meaningful ε" if loss.epsilon is None else f"ε {loss.epsilon:.3g} at δ {loss.delta:g}"
        lines = (
            ("Survey", f"{card.title}, wave {card.wave}"),
            ("Release", card.release_id),
            ("Privacy loss of this release", f"{epsilon} (ρ {loss.rho:.4g})"),
            ("What a row is", "A figure with its 95 % interval: sampling, privacy noise and shrinkage together."),
            ("Finding", "Its margin and base meet the policy. Others are grey: do not quote them."),
            ("People (about)", "A noisy estimate of how many are behind the figure; no exact count exists outside."),
            ("Less everybody", "A group's figure less everybody's, with a margin of its own."),
            ("Sign is known", "Of the differences so marked, one in twenty may point the wrong way."),
            ("Proof", f"hearsafe verify FOLDER --key FINGERPRINT; this release is signed by {self._found.fingerprint}"),
        )
        for number, (name, words) in enumerate(lines):
            sheet.write_string(number, 0, name, self._format(bold=True, valign="top"))
            sheet.write_string(number, 1, cell_text(words), self._format(text_wrap=True))
        sheet.write_url(len(lines) + 1, 0, f"internal:'{_OVERVIEW}'!A1", string="To the questions")

    def _overview(self, sheet: Worksheet) -> None:
        columns = (("Question", 24), ("Wording", 70), ("Figure", 18), ("Value", 10), ("Margin ±", 10), ("Finding", 9))
        self._heading(sheet, 0, columns)
        for number, attribute in enumerate(self._attributes, 1):
            overall = [row for row in self._rows[attribute.id] if row["group_attribute"] is None]
            lead = min(
                (row for row in overall if row["statistic"] in HEADLINES),
                key=lambda row: (HEADLINES.index(row["statistic"]), not row["weighted"]),
                default=None,
            )
            target = f"internal:'{self._sheets[attribute.id]}'!A1"
            sheet.write_url(number, 0, target, string=attribute.id)
            sheet.write_string(number, 1, cell_text(attribute.label), self._format())
            if lead is not None:
                shade = {} if lead["publishable"] else {"font_color": "#767676"}
                named = _named(lead["statistic"])
                sheet.write_string(number, 2, named, self._format(**shade))
                self._number(sheet, number, 3, lead, "value", shade)
                self._number(sheet, number, 4, lead, "moe", shade)
                sheet.write_string(number, 5, "yes" if lead["publishable"] else "no", self._format(**shade))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(self._attributes), 1), len(columns) - 1)

    def _question(self, sheet: Worksheet, label: str, base: str | None, rows: Sequence[Row]) -> None:
        sheet.write_string(0, 0, cell_text(label), self._format(bold=True, font_size=13))
        sheet.write_string(1, 0, cell_text(f"Asked of: {base}" if base else "Asked of everybody"), self._format())
        sheet.write_url(2, 0, f"internal:'{_OVERVIEW}'!A1", string="All questions")
        first = 4
        self._heading(sheet, first - 1, _COLUMNS)
        for number, row in enumerate(rows, first):
            self._figure(sheet, number, row)
        sheet.freeze_panes(first, 4)
        sheet.autofilter(first - 1, 0, first - 1 + max(len(rows), 1), len(_COLUMNS) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(first - 1)

    def _figure(self, sheet: Worksheet, number: int, row: Row) -> None:
        shade = {} if row["publishable"] else {"font_color": "#767676"}
        texts = (
            _named(row["statistic"]),
            row["option_label"] or "",
            row["group_attribute_label"] or "Everybody",
            row["group_label"] or "",
        )
        for column, text in enumerate(texts):
            sheet.write_string(number, column, cell_text(text), self._format(**shade))
        for column, name in enumerate(("value", "moe", "low", "high"), len(texts)):
            self._number(sheet, number, column, row, name, shade)
        if row["base"] is not None and row["reason"] not in _HIDDEN:
            sheet.write_number(number, 8, round(row["base"]), self._format(num_format=_NUMBERS["respondents"], **shade))
        sheet.write_string(number, 9, "yes" if row["weighted"] else "no", self._format(**shade))
        sheet.write_string(number, 10, "yes" if row["publishable"] else "no", self._format(**shade))
        sheet.write_string(number, 11, cell_text(row["reason_words"]), self._format(**shade))
        if row["significant"] is not None:
            sheet.write_string(number, 12, "yes" if row["significant"] else "no", self._format(**shade))

    def _number(
        self, sheet: Worksheet, number: int, column: int, row: Row, name: str, shade: Mapping[str, Any]
    ) -> None:
        """What knows nothing shows no number, as in the report."""
        if row[name] is not None and row["reason"] not in _HIDDEN:
            form = self._format(num_format=_NUMBERS.get(row["unit"], "0.00"), **shade)
            sheet.write_number(number, column, row[name], form)

    def _heading(self, sheet: Worksheet, number: int, columns: Sequence[tuple[str, int]]) -> None:
        for column, (name, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(number, column, name, self._format(bold=True, bottom=1, text_wrap=True))


def _named(statistic: str) -> str:
    """The statistic in words; of a derived one, what it is taken less of.

    >>> _named("pct_positive_difference"), _named("p25")
    ('% positive, less everybody', 'p25')
    """
    for ending, words in _DERIVED.items():
        if statistic.endswith(ending):
            return f"{_named(statistic.removesuffix(ending))}, {words}"
    return _STATISTICS.get(statistic, statistic.replace("_", " "))


def _sheet_name(identifier: str, taken: set[str]) -> str:
    """A new name of at most 31 characters that Excel takes."""
    stem = re.sub(r"[\[\]:*?/\\']", "_", identifier)[:_LONGEST_NAME]
    found, number = stem, 2
    while found.casefold() in taken:
        ending = f"_{number}"
        found, number = stem[: _LONGEST_NAME - len(ending)] + ending, number + 1
    taken.add(found.casefold())
    return found
