"""Google Forms exports: one header record, texts as answers, and a time stamp with a zone of one digit."""

import re

from pipelines.intake.formats.kind import ExportKind

_ZONE = re.compile(r"\s*(?:GMT|UTC)([+-])([0-9]{1,2})(?::?([0-9]{2}))?$")
_NAMED_ZONE = re.compile(r"\s+[A-Z]{2,5}$")


def time_spelled(value: str) -> str:
    """The time with its zone as strptime's `%z` knows it. A zone by name is left out: it has no fixed offset.

    >>> time_spelled("2026/05/01 9:05:00 AM GMT-5"), time_spelled("2026/05/01 9:05:00 AM MDT")
    ('2026/05/01 9:05:00 AM -0500', '2026/05/01 9:05:00 AM')
    """
    found = _ZONE.search(value)
    if found is not None:
        sign, hours, minutes = found.groups()
        return f"{value[: found.start()]} {sign}{int(hours):02d}{minutes or '00'}"
    plain = value.removesuffix(" AM").removesuffix(" PM")
    return value if plain != value else _NAMED_ZONE.sub("", value)


GOOGLE_FORMS = ExportKind(
    "google_forms",
    time_spelled=time_spelled,
    marks=frozenset({"timestamp"}),
    marks_needed=1,
    identity=("Email Address", "Email address", "Username"),
    service=("Timestamp", "Score"),
    resident_key={"Email Address": "email", "Email address": "email", "Username": "email"},
    time=("Timestamp",),
    time_patterns=("%Y/%m/%d %I:%M:%S %p %z", "%Y/%m/%d %I:%M:%S %p", "%m/%d/%Y %H:%M:%S"),
    joined_by=", ",
)
