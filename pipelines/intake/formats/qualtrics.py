"""Qualtrics exports: three header records, of which publishers often cut the second and third."""

from collections.abc import Sequence

from pipelines.intake.formats.kind import ExportKind
from pipelines.intake.values import trim

_LABELS = {
    "StartDate": "Start Date",
    "EndDate": "End Date",
    "RecordedDate": "Recorded Date",
    "ResponseId": "Response ID",
    "IPAddress": "IP Address",
    "UserLanguage": "User Language",
    "DistributionChannel": "Distribution Channel",
}
"""What the second header record says under a field of the first. `Status` is left out: its label is also an answer."""

_IMPORT_ID = '{"importid":'


def qualtrics_header_rows(leading: Sequence[Sequence[str]]) -> int:
    """How many of a Qualtrics file's leading records are header: 1 to 3.

    Header are: the field names; the record of import ids, wherever it stands in the next two, with what is above it;
    without import ids, a second record that labels two or more of the well-known fields.
    """
    for position, record in enumerate(leading[1:3], start=1):
        if any(trim(cell).replace(" ", "").casefold().startswith(_IMPORT_ID) for cell in record):
            return position + 1
    if len(leading) > 1:
        labels = sum(_LABELS.get(trim(name)) == trim(cell) for name, cell in zip(leading[0], leading[1], strict=False))
        if labels >= 2:
            return 2
    return 1


QUALTRICS = ExportKind(
    "qualtrics",
    header_rows=qualtrics_header_rows,
    marks=frozenset({"startdate", "enddate", "recordeddate", "responseid", "distributionchannel", "userlanguage"}),
    marks_needed=3,
    identity=(
        "IPAddress", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference",
        "ExternalDataReference", "LocationLatitude", "LocationLongitude", "ResponseId",
    ),
    service=(
        "StartDate", "EndDate", "Status", "Progress", "Duration (in seconds)", "Finished", "RecordedDate",
        "DistributionChannel", "UserLanguage",
    ),
    resident_key={"RecipientEmail": "email", "ExternalReference": "code", "ExternalDataReference": "code"},
    time=("RecordedDate", "EndDate"),
    time_patterns=("%Y-%m-%d %H:%M:%S",),
    where={"Status": ("IP Address", "0")},
    complete={"Finished": ("TRUE", "1")},
    missing={"-99": "not_answered"},
)  # fmt: skip
"""`IP Address` (0) is a normal response. Where paper forms were keyed in the preview, `where` must keep that, too."""
