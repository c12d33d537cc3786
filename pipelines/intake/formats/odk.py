"""ODK Central and KoboToolbox exports: groups are part of a column's name, choices are joined by blanks."""

from pipelines.intake.formats.kind import ExportKind

_TIMES = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")

ODK = ExportKind(
    "odk",
    marks=frozenset({"submissiondate", "meta-instanceid", "submitterid", "submittername", "reviewstate", "instanceid"}),
    identity=(
        "meta-instanceID", "instanceID", "KEY", "SubmitterID", "SubmitterName", "DeviceID", "deviceid", "username",
        "phonenumber", "subscriberid", "simserial",
    ),
    service=(
        "SubmissionDate", "start", "end", "today", "ReviewState", "Status", "FormVersion", "AttachmentsPresent",
        "AttachmentsExpected", "Edits", "meta-instanceName",
    ),
    time=("SubmissionDate", "end"),
    time_patterns=_TIMES,
    where={"ReviewState": ("", "approved", "hasIssues", "edited", "received")},
    joined_by=" ",
)  # fmt: skip

KOBO = ExportKind(
    "kobo",
    marks=frozenset({"_uuid", "_submission_time", "_validation_status", "_submitted_by", "_index", "__version__"}),
    identity=("_id", "_uuid", "_submitted_by", "deviceid", "username", "phonenumber", "subscriberid", "simserial"),
    service=(
        "start", "end", "today", "_submission_time", "_validation_status", "_notes", "_status", "__version__", "_tags",
        "_index", "meta/rootUuid", "meta/instanceID",
    ),
    time=("_submission_time", "end"),
    time_patterns=_TIMES,
    where={
        "_validation_status": ("", "validation_status_approved", "validation_status_on_hold", "Approved", "On hold")
    },
    joined_by=" ",
)  # fmt: skip
"""Kobo writes both the joined cell `q` and the split columns `q/choice`: declare one of them."""
