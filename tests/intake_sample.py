"""Invented surveys and rows for tests of intake, and the shortest way from a file's content to encoded rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import Quarantined, SourceFile
from schemas.attributes import attributes_of, zone_columns
from schemas.survey import Survey

KEY = b"an invented key of 32 bytes only"
RATING = {"1": "Excellent", "2": "Good", "3": "Fair", "4": "Poor", "5": {"label": "Don't know", "role": "no_opinion"}}


def survey_with(questions: Sequence[dict[str, Any]] | None = None, **changes: Any) -> Survey:
    """A survey of one e-mail keyed source `web` with one rating `quality` in column Q1."""
    declared: dict[str, Any] = {
        "survey": "riverbend",
        "title": "Riverbend",
        "population": "adults",
        "wave": {"id": "2026", "year": 2026},
        "expected": {"responses": 100},
        "residents": {"key": ["Email"], "normalise": "email"},
        "sources": [{"id": "web", "format": "delimited"}],
        "questions": list(questions) if questions is not None else [rating("quality", "Q1")],
    }
    return Survey.model_validate(declared | changes)


def keyless(questions: Sequence[dict[str, Any]], **changes: Any) -> Survey:
    """The same without a resident key."""
    return survey_with(questions, residents={"key": "none"}, **changes)


def rating(identifier: str, column: str, **changes: Any) -> dict[str, Any]:
    return {"id": identifier, "column": column, "type": "rating", "options": RATING, "positive": ["1", "2"]} | changes


@dataclass(frozen=True)
class Taken:
    """All batches of an intake together."""

    survey: Survey
    rows: list[dict[str, Any]]
    quarantined: list[Quarantined]
    read: int
    excluded: int

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(q.row, q.reason) for q in self.quarantined]

    def cells(self, identifier: str) -> list[Any]:
        """Per row: the cell code of a single, the ticked codes of a multi, the stored number of a score."""
        for position, attribute in enumerate(attributes_of(self.survey)):
            if attribute.id != identifier:
                continue
            names = zone_columns(position, attribute)
            if attribute.kind == "multi":
                codes = [cell.code for cell in attribute.cells]
                return [[c for c, name in zip(codes, names, strict=True) if row[name]] for row in self.rows]
            stored = [row[names[0]] for row in self.rows]
            return stored if attribute.kind == "score" else [attribute.cells[cell].code for cell in stored]
        raise KeyError(identifier)


def take(survey: Survey, *paths: Path, source: str = "web", contacts: Path | None = None, key: bytes = KEY) -> Taken:
    """Ingest files of one source; holds that nothing is lost in any batch."""
    rows: list[dict[str, Any]] = []
    quarantined: list[Quarantined] = []
    read = excluded = 0
    for batch in encoded_batches(survey, [SourceFile(source, path) for path in paths], key, contacts):
        assert batch.read == batch.rows.num_rows + batch.excluded + len(batch.quarantined)
        rows.extend(batch.rows.to_pylist())
        quarantined.extend(batch.quarantined)
        read += batch.read
        excluded += batch.excluded
    return Taken(survey, rows, quarantined, read, excluded)


def take_text(survey: Survey, folder: Path, text: str, encoding: str = "utf-8", **options: Any) -> Taken:
    """Ingest a file of this text."""
    return take(survey, written(folder, text, encoding), **options)


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "export.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path
