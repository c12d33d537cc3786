"""The figures of a release with the labels of the questionnaire beside their codes: what a person's table needs."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from pipelines.outlet.charts import REASON_WORDS
from schemas.card import Card, CardAttribute

LABELS = {
    "subject": "question",
    "option": "option_label",
    "group_attribute": "group_attribute_label",
    "group": "group_label",
    "reason": "reason_words",
}
"""Columns of codes, and the column of labels that follows each."""

MEAN_SUFFIX = "__mean"


def labelled_columns(summary: pa.Table) -> list[str]:
    """The columns of summary.parquet, each code followed by its label."""
    return [shown for name in summary.column_names for shown in (name, LABELS.get(name)) if shown is not None]


def labelled_rows(card: Card, summary: pa.Table) -> Iterator[dict[str, Any]]:
    """One row a figure, in the order of the file."""
    attributes = {attribute.id: attribute for attribute in card.instrument.attributes}
    for row in summary.to_pylist():
        subject = _question_of(row["subject"], attributes)
        yield row | {
            "question": subject.label if subject is not None else row["subject"],
            "option_label": _cell(subject, row["option"]),
            "group_attribute_label": _label(attributes.get(row["group_attribute"] or "")),
            "group_label": _cell(attributes.get(row["group_attribute"] or ""), row["group"]),
            "reason_words": REASON_WORDS.get(row["reason"], row["reason"]),
        }


def _question_of(subject: str, attributes: Mapping[str, CardAttribute]) -> CardAttribute | None:
    """The attribute of a figure; of the mean of a numeric question, the question."""
    return attributes.get(subject.removesuffix(MEAN_SUFFIX)) or attributes.get(subject)


def _label(attribute: CardAttribute | None) -> str | None:
    return None if attribute is None else attribute.label


def _cell(attribute: CardAttribute | None, code: str | None) -> str | None:
    if attribute is None or code is None:
        return code
    return next((cell.label for cell in attribute.cells if cell.code == code), code)
