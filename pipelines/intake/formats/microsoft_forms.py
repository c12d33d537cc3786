"""Microsoft Forms workbooks: one header record; choices are joined by `;`, with one more at the end."""

from pipelines.intake.formats.kind import ExportKind

MICROSOFT_FORMS = ExportKind(
    "microsoft_forms",
    marks=frozenset({"start time", "completion time", "last modified time"}),
    identity=("ID", "Id", "Email", "Name"),
    service=("Start time", "Completion time", "Last modified time", "Total points", "Quiz feedback"),
    resident_key={"Email": "email"},
    time=("Completion time", "Start time"),
    time_patterns=("%Y-%m-%d %H:%M:%S", "%m/%d/%y %H:%M:%S"),
    joined_by=";",
)
"""`Email` may be the word anonymous in every row: it is no address, and such rows have no resident key."""
