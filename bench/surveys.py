"""The real surveys of the precision bench: cut to a workload, read by hearsafe's own intake, kept in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from ruamel.yaml import YAML

from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import SourceFile
from schemas.attributes import MICRO, Attribute, CellRole, attributes_of, zone_columns
from schemas.nets import with_nets
from schemas.plan import MeasuredTable
from schemas.survey import Survey

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("HEARSAFE_SHARED", ROOT.parent / "shared")) / "data"
_SOMERVILLE = "somerville_ma_2011_2017/happiness_2011_2013_2015.csv"
_TAMPA = ("web", "innetwork", "mail")
FILES = {
    "bloomington-2017": (("mail", "bloomington_in_2017/community_survey_2017.csv"),),
    "somerville-2011": (("portal", _SOMERVILLE),),
    "tampa-bay-2024": tuple(
        (s, f"tampa_bay_fl_2024/{'innetwork' if s == 'innetwork' else 'public_' + s}.csv") for s in _TAMPA
    ),
}


@dataclass(frozen=True)
class Workload:
    """`questions` with a favourable end (the first so many; None for all) × the first `demographics`."""

    name: str
    survey: str
    questions: int | None
    demographics: int

    @property
    def label(self) -> str:
        return f"{self.name} {self.questions or 'all'} × {self.demographics}"


@dataclass(frozen=True)
class Coded:
    """A survey cut to a workload, and its responses: attribute id → cell positions, or scores as in the zone."""

    survey: Survey
    attributes: dict[str, Attribute]
    codes: dict[str, NDArray[Any]]

    @property
    def questions(self) -> list[Attribute]:
        return [a for a in self.attributes.values() if a.origin == "question" and a.kind == "single"]

    @property
    def demographics(self) -> list[Attribute]:
        return [a for a in self.attributes.values() if a.is_group]

    def units(self, name: str) -> NDArray[np.int64]:
        """Respondents × cells of one attribute, in its integer units."""
        attribute, codes = self.attributes[name], self.codes[name].astype(np.int64)
        rows = np.arange(len(codes))
        found = np.zeros((len(codes), attribute.size), dtype=np.int64)
        if attribute.kind == "single":
            found[rows, codes] = 1
            return found
        answered = codes >= 0
        found[answered, 0], found[answered, 1] = codes[answered], MICRO - codes[answered]
        found[rows[~answered], -codes[~answered]] = MICRO
        return found

    def table(self, *names: str) -> NDArray[np.int64]:
        """Exact marginal over one or two attributes."""
        if len(names) == 1:
            return self.units(names[0]).sum(axis=0)
        group = self.attributes[names[0]]
        found = np.zeros((group.size, self.attributes[names[1]].size), dtype=np.int64)
        np.add.at(found, self.codes[names[0]], self.units(names[1]))
        return found

    def measured(self, table: MeasuredTable) -> NDArray[np.int64]:
        """Exact counts of a planned table; a net score is a weighted sum of what it is of."""
        last = self.attributes[table.attributes[-1]]
        if last.kind != "net" or last.of is None:
            return self.table(*table.attributes)
        counts = self.table(*table.attributes[:-1], last.of)
        return (counts @ np.array(last.weights)).reshape(table.shape)


def _favourable(question: dict[str, Any]) -> dict[str, Any]:
    """Somerville's form names no favourable answers: the three highest of ten, the two highest of five."""
    if question["type"] == "rating" and "positive" not in question:
        codes = list(question["options"])
        return question | {"positive": codes[-3:] if len(codes) == 10 else codes[-2:]}
    return question


def _declaration(workload: Workload) -> Survey:
    raw = YAML(typ="safe", pure=True).load(ROOT / "examples" / workload.survey / "survey.yaml")
    questions = [_favourable(q) for q in raw["questions"]]
    if workload.survey == "somerville-2011":
        race = next(q for q in questions if q["id"] == "race")
        raw["demographics"].append({"id": "race_alone", "column": race["column"], "categories": race["options"]})
    chosen = [q for q in questions if q["type"] in ("rating", "choice") and q.get("positive")]
    raw["questions"] = chosen[: workload.questions]
    raw["demographics"] = raw["demographics"][: workload.demographics]
    kept = {q["id"] for q in raw["questions"]}
    cut = [index | {"items": [i for i in index["items"] if i in kept]} for index in raw.get("indices", [])]
    raw["indices"] = [index for index in cut if len(index["items"]) > 1]
    return Survey.model_validate(raw)


def coded(workload: Workload) -> Coded:
    """Read the raw export through the intake; nothing is written."""
    survey = _declaration(workload)
    files = [SourceFile(source, SHARED / path) for source, path in FILES[workload.survey]]
    rows = pa.concat_tables([batch.rows for batch in encoded_batches(survey, files, os.urandom(32), None)])
    attributes = attributes_of(survey)
    codes = {a.id: rows[zone_columns(i, a)[0]].to_numpy() for i, a in enumerate(attributes)}
    return Coded(survey, {a.id: a for a in with_nets(survey, attributes)}, codes)


def substantive(attribute: Attribute) -> NDArray[np.bool_]:
    """Mask of an attribute's substantive cells."""
    mask = np.zeros(attribute.size, dtype=bool)
    mask[list(attribute.roles(CellRole.SUBSTANTIVE))] = True
    return mask


def favourable(attribute: Attribute) -> NDArray[np.bool_]:
    """Mask of an attribute's favourable cells."""
    return np.array([cell.code in attribute.positive for cell in attribute.cells]) & substantive(attribute)
