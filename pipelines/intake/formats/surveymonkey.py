"""SurveyMonkey exports: a question's text stands once above its choices, which are the second header record."""

from collections.abc import Sequence

from pipelines.intake.formats.kind import ExportKind
from pipelines.intake.values import trim

_ABOVE_NOTHING = ("respondent id", "collector id", "start date", "end date")
"""Columns without a second header cell; every response fills them."""


def surveymonkey_header_rows(leading: Sequence[Sequence[str]]) -> int:
    """2 where the columns of ids and times are blank in the second record, which then holds choices; else 1.

    Without such columns nothing tells choices from a response, and a response must not become names of columns.
    """
    if len(leading) < 2:
        return 1
    pairs = zip(leading[0], leading[1], strict=False)
    beneath = [trim(cell) for name, cell in pairs if trim(name).casefold() in _ABOVE_NOTHING]
    return 2 if beneath and not any(beneath) else 1


SURVEYMONKEY = ExportKind(
    "surveymonkey",
    header_rows=surveymonkey_header_rows,
    marks=frozenset({"respondent id", "respondentid", "collector id", "collectorid"}),
    identity=(
        "Respondent ID", "RespondentID", "IP Address", "Email Address", "First Name", "Last Name", "Custom Data 1",
    ),
    service=("Collector ID", "CollectorID", "Start Date", "StartDate", "End Date", "EndDate"),
    resident_key={"Email Address": "email", "Custom Data 1": "code"},
    time=("End Date", "EndDate", "Start Date"),
    time_patterns=("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S"),
)  # fmt: skip
