"""What a declaration says about a raw export, worked out a second time without hearsafe: the csv module and SQL only.

It reads `survey.yaml` as plain YAML and turns each response into weighted cells, one row per response, attribute and
cell: weight 1 for a choice, one row a tick for a multi, s and 1 − s for the two cells of a score. Every table of a
release is then one GROUP BY over those rows.
"""

import csv
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from ruamel.yaml import YAML

Declaration = dict[str, Any]
CellKey = frozenset[tuple[str, str]]
"""(attribute, code) pairs, in no order: one cell of a table."""

SPECIAL = {"not_answered": "_not_answered", "not_asked": "_not_asked"}


def read_declaration(folder: Path) -> Declaration:
    """survey.yaml as plain lists and dictionaries of strings and numbers."""
    return YAML(typ="safe", pure=True).load(folder / "survey.yaml")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Every record of a CSV file by its header, blanks trimmed."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: (value or "").strip() for name, value in row.items()} for row in csv.DictReader(file)]


def responses(declaration: Declaration, files: Iterable[tuple[str, Path]]) -> list[dict[str, str]]:
    """The responses that count: each source's rows that meet its `where`, one after the other."""
    sources = {source["id"]: source for source in declaration["sources"]}
    kept: list[dict[str, str]] = []
    for source_id, path in files:
        where = sources[source_id].get("where", {})
        kept += [row for row in read_rows(path) if all(row[column] in allowed for column, allowed in where.items())]
    return kept


def _text(value: str) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _options(raw: dict[Any, Any]) -> dict[str, dict[str, Any]]:
    return {
        str(code): value if isinstance(value, dict) and "label" in value else {"label": value}
        for code, value in raw.items()
    }


def _scores(question: Declaration) -> dict[str, float]:
    """Score of each substantive code: as declared, else the number it is, else its position from 1."""
    options = _options(question["options"])
    substantive = [code for code, option in options.items() if option.get("role", "substantive") == "substantive"]
    numeric = all(code.lstrip("-").isdigit() for code in substantive)
    scores = {
        code: float(options[code].get("score", int(code) if numeric else position))
        for position, code in enumerate(substantive, start=1)
    }
    if question.get("half_steps"):
        scores |= {f"{code}.5": score + 0.5 for code, score in scores.items() if str(int(code) + 1) in scores}
    return scores


def _one_cell_each(attribute: str, code: str) -> str:
    """SQL of the cells of an attribute on which each response has the code of an SQL expression."""
    return f"SELECT response, {_text(attribute)}, {code}, 1.0 FROM raw"


class Oracle:
    """Exact answers about one survey, for tests."""

    def __init__(self, declaration: Declaration, rows: list[dict[str, str]]) -> None:
        self.declaration = declaration
        self.responses = len(rows)
        self.questions = {question["id"]: question for question in declaration["questions"]}
        self.groups = [demographic["id"] for demographic in declaration.get("demographics", [])]
        self.indices = {index["id"]: index for index in declaration.get("indices", [])}
        self._missing = {str(raw): kind for raw, kind in declaration.get("missing", {"": "not_answered"}).items()}
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table: dict[str, Any] = {"response": pa.array(range(len(rows)), pa.int32())}
        table |= {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in columns}
        self._sql = duckdb.connect()
        self._sql.register("rows", pa.table(table))
        self._sql.execute("CREATE TABLE raw AS SELECT * FROM rows")
        self._sql.execute("CREATE TABLE cells (response INTEGER, attribute VARCHAR, code VARCHAR, weight DOUBLE)")
        for statement in self._statements():
            self._sql.execute(f"INSERT INTO cells {statement}")

    # the rows of `cells`

    def _statements(self) -> Iterator[str]:
        for demographic in self.declaration.get("demographics", []):
            code = self._coded(demographic["column"], demographic["categories"], is_demographic=True)
            yield _one_cell_each(demographic["id"], code)
        for question in self.questions.values():
            if question["type"] in ("rating", "choice"):
                yield _one_cell_each(question["id"], self._code_of(question))
            elif question["type"] == "numeric":
                yield from self._numeric(question)
            elif "columns" in question:
                yield from self._ticked_columns(question)
            else:
                yield from self._joined(question)
        for index in self.indices.values():
            yield from self._index(index)

    def _missing_cases(self, value: str, *, is_demographic: bool = False) -> str:
        """A demographic has no `not asked` cell: whatever is missing there is not answered."""
        kinds = {raw: "not_answered" if is_demographic else kind for raw, kind in self._missing.items()}
        return " ".join(f"WHEN {value} = {_text(raw)} THEN {_text(SPECIAL[kind])}" for raw, kind in kinds.items())

    def _code_of(self, question: Declaration) -> str:
        return self._coded(question["column"], question["options"], half=question.get("half_steps", False))

    def _coded(self, column: str, options: dict[Any, Any], *, half: bool = False, is_demographic: bool = False) -> str:
        value = _name(column)
        cases = []
        for code, option in _options(options).items():
            cases += [f"WHEN {value} = {_text(raw)} THEN {_text(code)}" for raw in (code, *option.get("also", ()))]
        if half:
            points = _scores({"options": options, "half_steps": True})
            cases += [f"WHEN {value} = {_text(code)} THEN {_text(code)}" for code in points if code.endswith(".5")]
        return f"CASE {' '.join(cases)} {self._missing_cases(value, is_demographic=is_demographic)} ELSE '_invalid' END"

    def _numeric(self, question: Declaration) -> Iterator[str]:
        value = _name(question["column"])
        number = f"TRY_CAST({value} AS DOUBLE)"
        low, high = question["bounds"]
        edges = question["bins"]
        bins = [
            f"WHEN {number} >= {left} AND {number} {'<=' if right == edges[-1] else '<'} {right} THEN '{left:g}'"
            for left, right in pairwise(edges)
        ]
        code = f"CASE {self._missing_cases(value)} {' '.join(bins)} ELSE '_invalid' END"
        yield _one_cell_each(question["id"], code)
        yield from self._score(f"{question['id']}__mean", f"({number} - {low}) / ({high} - {low})", code)

    def _score(self, attribute: str, share: str, code: str) -> Iterator[str]:
        """Two weighted cells where `code` is no special one, else that special cell."""
        head = f"SELECT response, {_text(attribute)}"
        relation = f"(SELECT response, {share} AS share, {code} AS code FROM raw)"
        yield f"{head}, 'high', share FROM {relation} WHERE code NOT LIKE '\\_%' ESCAPE '\\'"
        yield f"{head}, 'low', 1 - share FROM {relation} WHERE code NOT LIKE '\\_%' ESCAPE '\\'"
        yield f"{head}, code, 1.0 FROM {relation} WHERE code LIKE '\\_%' ESCAPE '\\'"

    def _joined(self, question: Declaration) -> Iterator[str]:
        """A choice is ticked when it stands between separators; a response that no choice explains is invalid."""
        separator, value = question.get("separator", ","), _name(question["column"])
        padded = f"{_text(separator)} || {value} || {_text(separator)}"
        ticks: dict[str, str] = {}
        lengths: list[str] = []
        for code, option in _options(question["options"]).items():
            spellings = [
                f"contains({padded}, {_text(separator + raw + separator)})" for raw in (code, *option.get("also", ()))
            ]
            ticks[code] = f"({' OR '.join(spellings)})"
            lengths += [
                f"CASE WHEN {found} THEN {len(raw) + len(separator)} ELSE 0 END"
                for raw, found in zip((code, *option.get("also", ())), spellings, strict=True)
            ]
        explained = f"({' + '.join(lengths)}) = length({padded}) - {len(separator)}"
        special = f"CASE {self._missing_cases(value)} END"
        head = f"SELECT response, {_text(question['id'])}"
        for code, ticked in ticks.items():
            yield f"{head}, {_text(code)}, 1.0 FROM raw WHERE {ticked} AND ({special}) IS NULL"
        none = " AND ".join(f"NOT {ticked}" for ticked in ticks.values())
        yield f"{head}, '_invalid', 1.0 FROM raw WHERE NOT ({explained}) AND {none} AND ({special}) IS NULL"
        yield f"{head}, {special}, 1.0 FROM raw WHERE ({special}) IS NOT NULL"

    def _ticked_columns(self, question: Declaration) -> Iterator[str]:
        """One column a choice: 1 or blank. A respondent with every column blank ticked none."""
        head = f"SELECT response, {_text(question['id'])}"
        columns = {code: _name(column) for code, column in question["columns"].items()}
        known = " AND ".join(f"{column} IN ('1', '')" for column in columns.values())
        for code, column in columns.items():
            yield f"{head}, {_text(code)}, 1.0 FROM raw WHERE {column} = '1' AND {known}"
        blank = " AND ".join(f"{column} = ''" for column in columns.values())
        yield f"{head}, '_none', 1.0 FROM raw WHERE {blank}"
        yield f"{head}, '_invalid', 1.0 FROM raw WHERE NOT ({known})"

    def _index(self, index: Declaration) -> Iterator[str]:
        """The mean over the items with a substantive answer: favourable or not, or the score brought to 0…1."""
        values: list[str] = []
        for item in index["items"]:
            question = self.questions[item]
            code = self._code_of(question)
            scores = _scores(question)
            low, high = min(scores.values()), max(scores.values())
            favourable = {str(c) for c in question.get("positive", ())}
            shares = {
                c: (score - low) / (high - low) if index.get("score") == "mean" else float(c in favourable)
                for c, score in scores.items()
            }
            cases = " ".join(f"WHEN {_text(c)} THEN {share!r}::DOUBLE" for c, share in shares.items())
            values.append(f"CASE {code} {cases} END")
        mean = f"list_avg([{', '.join(values)}])"
        yield from self._score(index["id"], mean, f"CASE WHEN {mean} IS NULL THEN '_not_answered' ELSE 'answered' END")

    # answers

    def one_way(self) -> dict[CellKey, float]:
        """Sum of weights of every cell of every attribute."""
        found = self._sql.execute("SELECT attribute, code, sum(weight) FROM cells GROUP BY ALL").fetchall()
        return {frozenset({(attribute, code)}): total for attribute, code, total in found}

    def by_group(self) -> dict[CellKey, float]:
        """Sum of weights of every cell of every attribute × demographic table (demographic pairs included)."""
        groups = ", ".join(_text(group) for group in self.groups)
        found = self._sql.execute(
            "SELECT g.attribute, g.code, a.attribute, a.code, sum(g.weight * a.weight) FROM cells g JOIN cells a USING (response) "
            f"WHERE g.attribute IN ({groups}) AND a.attribute <> g.attribute GROUP BY ALL"
        ).fetchall()
        return {frozenset({(g, g_code), (a, a_code)}): total for g, g_code, a, a_code, total in found}

    def most_ticks(self, question: str) -> float:
        """The largest number of cells that one response has of a multi."""
        found = self._sql.execute(
            "SELECT max(ticks) FROM (SELECT sum(weight) AS ticks FROM cells WHERE attribute = ? GROUP BY response)",
            [question],
        )
        return found.fetchall()[0][0]

    def pct_ticked(self, question: str) -> dict[str, float]:
        """% of the people with a readable answer (a tick, or none of the choices) who ticked each choice."""
        readable = [*_options(self.questions[question]["options"]), "_none"]
        base = self._sql.execute(
            "SELECT count(DISTINCT response) FROM cells WHERE attribute = ? AND list_contains(?, code)",
            [question, readable],
        ).fetchall()[0][0]
        counts = self.one_way()
        return {code: 100 * counts.get(frozenset({(question, code)}), 0) / base for code in readable if code != "_none"}

    def pct_positive(self, question: str, positive: Iterable[str]) -> float:
        """Unweighted % of the substantive answers that are favourable."""
        substantive = list(_scores(self.questions[question]))
        counts = self.one_way()
        base = sum(counts.get(frozenset({(question, code)}), 0) for code in substantive)
        return 100 * sum(counts.get(frozenset({(question, code)}), 0) for code in positive) / base

    def scores(self, question: str) -> dict[str, float]:
        """The substantive codes of a question (half steps included) and their scores."""
        return _scores(self.questions[question])
