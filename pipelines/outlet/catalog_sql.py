"""The catalogue of releases as SQL: tables of what there is, and views over the released Parquet files."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.outlet.datapackage import PARQUET_FILES
from pipelines.outlet.verify import Verification

HEAD = "-- A catalogue of hearsafe releases. Made by hearsafe catalog; make it again after each release."
MARK = "hearsafe catalogue: one row per release"
"""Comment of the table `releases`, by which a catalogue is known."""

_KEYS = (("release_id", "release"), ("survey", "survey id"), ("wave", "wave id"))
_FINDINGS = """\
SELECT s.survey, s.wave, s.subject, coalesce(q.label, s.subject) AS question, s.statistic, s."option",
  o.label AS option_label, s.group_attribute, g.label AS group_attribute_label, s."group", c.label AS group_label,
  s.unit, s.value, s.low, s.high, s.moe, s.base, s.weighted, s.significant, s.release_id
FROM latest_summary s
LEFT JOIN attributes q ON q.release_id = s.release_id AND q.attribute = regexp_replace(s.subject, '__mean$', '')
LEFT JOIN cells o ON o.release_id = s.release_id AND o.attribute = s.subject AND o.code = s."option"
LEFT JOIN attributes g ON g.release_id = s.release_id AND g.attribute = s.group_attribute
LEFT JOIN cells c ON c.release_id = s.release_id AND c.attribute = s.group_attribute AND c.code = s."group"
WHERE s.publishable"""


@dataclass(frozen=True)
class Catalogued:
    """A verified release and where it is."""

    folder: Path
    found: Verification

    @property
    def order(self) -> tuple[str, int]:
        """A later release of a wave has a later one: by day, then by place in the ledger."""
        return self.found.card.time, self.found.head.seq


def catalog_sql(releases: Sequence[Catalogued]) -> list[str]:
    """The statements that make the catalogue, in order."""
    latest = {}
    for release in sorted(releases, key=lambda r: r.order):
        latest[release.found.survey, release.found.wave] = release.found.release_id
    statements = [
        *_table("releases", MARK, _RELEASES, (_release_row(r, latest) for r in releases)),
        *_table(
            "attributes", "questions, indices and demographics of each release", _ATTRIBUTES, _attributes(releases)
        ),
        *_table("cells", "answer options and categories of each attribute", _CELLS, _cells(releases)),
    ]
    for name, schema in PARQUET_FILES.items():
        view = name.partition(".")[0]
        keys = [(key, words) for key, words in _KEYS if key not in schema.names]
        parts = (_select(release, name, keys, schema) for release in releases)
        described = [*keys, *((field.name, _words(field)) for field in schema)]
        union = "\nUNION ALL\n".join(parts)
        statements += _view(view, f"{name} of every release", union, described)
        newest = f"SELECT * FROM {view} WHERE release_id IN (SELECT release_id FROM releases WHERE is_latest)"
        statements += _view(f"latest_{view}", f"{name} of the newest release of each wave", newest, described)
    return [*statements, *_view("findings", "publishable figures of the newest releases, with labels", _FINDINGS, [])]


Columns = tuple[tuple[str, str, str], ...]
_RELEASES: Columns = (
    ("release_id", "VARCHAR", "release"),
    ("survey", "VARCHAR", "survey id"),
    ("wave", "VARCHAR", "wave id"),
    ("year", "INTEGER", "year whose cap was charged"),
    ("title", "VARCHAR", "title of the survey"),
    ("population", "VARCHAR", "account that was charged"),
    ("published", "VARCHAR", "day on the card, UTC"),
    ("epsilon", "DOUBLE", "loss as epsilon at delta; empty where it has no meaning"),
    ("delta", "DOUBLE", "delta of the policy"),
    ("rho", "DOUBLE", "loss as rho (zCDP)"),
    ("ledger_seq", "BIGINT", "event of the ledger that sealed it"),
    ("fingerprint", "VARCHAR", "fingerprint of the key that signed it"),
    ("folder", "VARCHAR", "where the release folder is"),
    ("is_latest", "BOOLEAN", "whether it is the newest of its wave"),
)
_ATTRIBUTES: Columns = (
    ("release_id", "VARCHAR", "release"),
    ("attribute", "VARCHAR", "id, as in attribute_1 to attribute_3, subject and group_attribute"),
    ("origin", "VARCHAR", "question, numeric_mean, demographic, index or verified"),
    ("kind", "VARCHAR", "single, multi or score"),
    ("label", "VARCHAR", "wording"),
    ("base", "VARCHAR", "who was asked, where not everybody was"),
    ("position", "INTEGER", "place in the questionnaire"),
)
_CELLS: Columns = (
    ("release_id", "VARCHAR", "release"),
    ("attribute", "VARCHAR", "id of the attribute"),
    ("code", "VARCHAR", "cell code, as in code_1 to code_3, option and group"),
    ("label", "VARCHAR", "wording of the answer"),
    ("role", "VARCHAR", "what the answer says; only substantive ones enter a base"),
    ("position", "INTEGER", "place in the question"),
)


def _release_row(release: Catalogued, latest: dict[tuple[str, str], str]) -> tuple[Any, ...]:
    found, card = release.found, release.found.card
    loss = card.expert.privacy_loss.privacy_parameters
    return (
        found.release_id, found.survey, found.wave, card.year, card.title, card.population, card.time, loss.epsilon,
        loss.delta, loss.rho, found.head.seq, found.fingerprint, str(release.folder),
        latest[found.survey, found.wave] == found.release_id,
    )  # fmt: skip


def _attributes(releases: Iterable[Catalogued]) -> Iterator[tuple[Any, ...]]:
    for release in releases:
        for place, a in enumerate(release.found.card.instrument.attributes):
            yield (release.found.release_id, a.id, a.origin, a.kind, a.label, a.base, place)


def _cells(releases: Iterable[Catalogued]) -> Iterator[tuple[Any, ...]]:
    for release in releases:
        for attribute in release.found.card.instrument.attributes:
            for place, cell in enumerate(attribute.cells):
                yield (release.found.release_id, attribute.id, cell.code, cell.label, str(cell.role.value), place)


def _table(name: str, words: str, columns: Columns, rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    yield f"CREATE TABLE {name} ({', '.join(f'{_name(column)} {kind}' for column, kind, _ in columns)})"
    values = [f"({', '.join(map(_literal, row))})" for row in rows]
    for start in range(0, len(values), 500):
        yield f"INSERT INTO {name} VALUES\n" + ",\n".join(values[start : start + 500])
    yield f"COMMENT ON TABLE {name} IS {_literal(words)}"
    yield from (f"COMMENT ON COLUMN {name}.{_name(column)} IS {_literal(said)}" for column, _, said in columns)


def _view(name: str, words: str, query: str, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"CREATE VIEW {name} AS\n{query}"
    yield f"COMMENT ON VIEW {name} IS {_literal(words)}"
    yield from (f"COMMENT ON COLUMN {name}.{_name(column)} IS {_literal(said)}" for column, said in columns)


def _select(release: Catalogued, file: str, keys: Sequence[tuple[str, str]], schema: pa.Schema) -> str:
    values = {"release_id": release.found.release_id, "survey": release.found.survey, "wave": release.found.wave}
    said = [f"{_literal(values[key])} AS {_name(key)}" for key, _ in keys]
    columns = ", ".join((*said, *map(_name, schema.names)))
    return f"SELECT {columns} FROM read_parquet({_literal(_one_file(release.folder / file))})"


def _one_file(path: Path) -> str:
    """The path as a pattern that only this file matches."""
    return re.sub(r"[*?\[]", lambda found: f"[{found.group()}]", str(path))


def _words(field: pa.Field) -> str:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    unit = f" ({metadata['unit']})" if "unit" in metadata else ""
    return metadata.get("description", "") + unit


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
