"""Texts of a release in a spreadsheet's cell: none of them may be taken for a formula."""

import re

_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*")


def cell_text(value: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would compute it. Plain numbers stay numbers.

    Labels are the survey team's, but a choice text may come from anywhere. Source: OWASP, CSV injection.

    >>> cell_text("=HYPERLINK(1)"), cell_text("-99"), cell_text("- none -")
    ("'=HYPERLINK(1)", '-99', "'- none -")
    """
    return f"'{value}" if value.startswith(_STARTS) and not _NUMBER.fullmatch(value) else value
