"""LimeSurvey exports: columns `Q[SQ001]`, ticks as Y or blank, and no submission date in partial responses."""

from pipelines.intake.formats.kind import ExportKind

LIMESURVEY = ExportKind(
    "limesurvey",
    filled_when_complete="submitdate",
    marks=frozenset({"submitdate", "lastpage", "startlanguage", "datestamp", "refurl"}),
    identity=("id", "token", "ipaddr", "refurl"),
    service=("submitdate", "lastpage", "startlanguage", "seed", "startdate", "datestamp", "interviewtime"),
    resident_key={"token": "code"},
    time=("datestamp", "submitdate"),
    time_patterns=("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"),
    missing={"N/A": "not_asked"},
)
"""An anonymised survey writes 1980-01-01 as its submission date: filled is filled."""
