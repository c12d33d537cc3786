"""The kinds of export by the name that `format` has in a survey file."""

from collections.abc import Sequence

from pipelines.intake.formats.google_forms import GOOGLE_FORMS
from pipelines.intake.formats.kind import ExportKind
from pipelines.intake.formats.limesurvey import LIMESURVEY
from pipelines.intake.formats.microsoft_forms import MICROSOFT_FORMS
from pipelines.intake.formats.odk import KOBO, ODK
from pipelines.intake.formats.qualtrics import QUALTRICS
from pipelines.intake.formats.redcap import REDCAP
from pipelines.intake.formats.survey123 import SURVEY123
from pipelines.intake.formats.surveymonkey import SURVEYMONKEY
from pipelines.intake.values import trim

DELIMITED = ExportKind("delimited")
XLSX = ExportKind("xlsx")
PARQUET = ExportKind("parquet")

SYSTEMS = (QUALTRICS, SURVEYMONKEY, MICROSOFT_FORMS, LIMESURVEY, KOBO, ODK, REDCAP, SURVEY123, GOOGLE_FORMS)
"""Exports of survey systems: delimited text or a workbook. In the order in which they are looked for."""

KINDS = {kind.name: kind for kind in (*SYSTEMS, DELIMITED, XLSX, PARQUET)}


def recognised(names: Sequence[str]) -> ExportKind | None:
    """The survey system that writes such column names; None where none does."""
    found = {trim(name).casefold() for name in names}
    return next((kind for kind in SYSTEMS if len(kind.marks & found) >= kind.marks_needed), None)
