"""REDCap exports: multi-selects as `field___code` with 0 and 1, and columns of events and repeats."""

from pipelines.intake.formats.kind import ExportKind

_NOT_COMPLETED = "[not completed]"


def time_spelled(value: str) -> str:
    """The time; blank where the form was not completed.

    >>> time_spelled("[not completed]")
    ''
    """
    return "" if value == _NOT_COMPLETED else value


REDCAP = ExportKind(
    "redcap",
    time_spelled=time_spelled,
    marks=frozenset(
        {
            "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group",
            "redcap_survey_identifier", "record_id", "study_id",
        }
    ),
    marks_needed=2,
    identity=("record_id", "study_id", "redcap_survey_identifier"),
    service=("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group"),
    resident_key={"redcap_survey_identifier": "code"},
    where={"redcap_repeat_instance": ("", "1")},
    time_patterns=("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"),
)  # fmt: skip

TIME_ENDING = "_timestamp"
COMPLETE_ENDING = "_complete"
COMPLETE_VALUES = ("2", "Complete")
