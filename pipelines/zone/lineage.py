"""What a zone's rows come from: the declaration and rules they were read by, and the ledger they answer to."""

import duckdb

from pipelines.zone import responses
from schemas.attributes import attributes_of
from schemas.canonical import digest
from schemas.errors import Fault, ZoneFault
from schemas.survey import Survey


def encoding_digest(survey: Survey) -> str:
    """Digest of what a zone's rows rest on: what is read and how, who counts, and what makes two rows one resident's.

    Under another resident key or normalisation the same resident has another pseudonym, and would be counted twice.
    Wording and targets do not matter to what was stored.
    """
    said, shown = {"text", "base"}, {"label", "targets", "expected_shares"}
    return digest(
        {
            "cells": [[attribute.id, *(cell.code for cell in attribute.cells)] for attribute in attributes_of(survey)],
            "questions": [question.model_dump(mode="json", exclude=said) for question in survey.questions],
            "demographics": [demographic.model_dump(mode="json", exclude=shown) for demographic in survey.demographics],
            "indices": [index.model_dump(mode="json", exclude={"label"}) for index in survey.indices],
            "residents": survey.residents.model_dump(mode="json", exclude={"drop"}),
            "missing": survey.missing,
            "eligible": survey.eligible.model_dump(mode="json") if survey.eligible else None,
        }
    )


def source_rules(survey: Survey) -> dict[str, str]:
    """Digest of the rules that each declared source is read by."""
    return {source.id: digest(source) for source in survey.sources}


def read_otherwise(connection: duckdb.DuckDBPyConnection, alias: str, survey: Survey) -> bool:
    """Whether a file in the zone was read by other rules than its source has now, or its source is declared no more."""
    return not responses.rules_by_source(connection, alias) <= set(source_rules(survey).items())


def declaration_changed(kind: type[Fault]) -> Fault:
    """The fault of a zone whose rows do not follow the survey.yaml at hand."""
    return kind(
        "declaration_changed",
        "the zone holds responses read by other questions, options, sources or resident rules",
        where="survey.yaml",
        do="Ingest every file again with --replace, or declare a new wave",
    )


def foreign_ledger() -> ZoneFault:
    """The fault of a zone that is asked to trust another ledger than the one it was filled under."""
    return ZoneFault(
        "zone_of_another_ledger",
        "this zone takes charges from another ledger",
        where="ledger",
        do="Restore the ledger it belongs to",
    )
