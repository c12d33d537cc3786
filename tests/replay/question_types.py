"""What is replayed: one entry a question type, with its answers, its worst respondents and its hostile values.

A new type is one entry of TYPES. Everything else here and in the replay is written over attributes.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from privacy.charges import measured_table
from privacy.plan import make_plan
from schemas.attributes import Attribute, attributes_of
from schemas.nets import with_nets
from schemas.plan import NANO, Mechanism, Plan
from schemas.policy import Policy
from schemas.survey import Survey

Answers = dict[str, str]
OPTIONS = {"1": "Excellent", "2": "Good", "3": "Fair", "4": "Poor", "5": {"label": "Don't know", "role": "no_opinion"}}
LETTERS = {letter: letter.upper() for letter in "abcdef"}
THEMES = {
    "transit": {"label": "Transit", "words": ["bus*", "traffic*", "trafico"]},
    "green": {"label": "Parks", "words": ["park*"]},
    "housing": {"label": "Housing", "words": ["rent*", "housing cost*"]},
    "safety": {"label": "Safety", "words": ["crime"]},
}
HOME = "Victim Street 1"
DISTRICT = {"id": "g", "column": "G", "categories": {"N": "North", "S": "South", "E": "Empty but for one"}}
TIME = "%Y-%m-%d %H:%M:%S"
HOSTILE = (
    "", " ", "NaN", "nan", "inf", "-inf", "null", "NULL", "None", "NA", "-99", "1e999", "-1e18", "1e18", "1e-320", "01", "1.0", "2.50",
    "0x10", "=1+1", "a,b", "a,b,c,d,e,f,a", ",,,", '"', "'", "\u0661", "\ufeff1", "1\x00", "é", "\u202e1", "true", "9" * 400,
)  # fmt: skip


@dataclass(frozen=True)
class TypeCase:
    """A question type in a survey of its own.

    `answers`: a random respondent's cells, by column. `worst`: respondents of whom each reaches the sensitivity of every
    table, and the first with the second or the last one together that of an exchange.
    """

    name: str
    declared: Mapping[str, Any]
    answers: Callable[[random.Random], Answers]
    worst: tuple[Answers, ...]
    format: Literal["delimited", "xlsx", "long"] = "delimited"
    and_tables: tuple[tuple[str, ...], ...] = ()
    """Tables beside those of a policy."""
    not_exchanged: frozenset[str] = frozenset()
    """Tables that two people under one key cannot differ in, so that the sensitivity of an exchange is not reached."""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.worst[0])

    @property
    def keyless(self) -> bool:
        """Whether the response is the unit, so that neighbours differ by one row."""
        return self.declared.get("residents") == {"key": "none"}

    @property
    def household(self) -> bool:
        """Whether the household is the unit, so that neighbours differ by everybody of one."""
        return "household" in self.declared.get("residents", {})

    @property
    def survey(self) -> Survey:
        return _survey(self.name)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Every attribute that a plan may measure."""
        return with_nets(self.survey, attributes_of(self.survey))

    def plan(self, *, shared_keys: bool, noise: str) -> Plan:
        """Every one-way table and every crosstab with the district measured."""
        return _plan(self.name, shared_keys, noise)


def one_of(column: str, values: str | tuple[str, ...]) -> Callable[[random.Random], Answers]:
    """Any declared value, and now and then a hostile one."""
    return lambda rng: {column: rng.choice(values) if rng.random() < 0.8 else rng.choice(HOSTILE)}


def some_of(column: str) -> Callable[[random.Random], Answers]:
    """Up to eight ticks in any order, repeated ones too."""
    return lambda rng: {column: ",".join(rng.choices("abcdefz", k=rng.randint(0, 8))) or rng.choice(HOSTILE)}


def ticks(*columns: str) -> Callable[[random.Random], Answers]:
    """A cell an option, ticked or not."""
    return lambda rng: {column: rng.choice(("1", "0", "", "x", rng.choice(HOSTILE))) for column in columns}


def several(*columns: str) -> Callable[[random.Random], Answers]:
    """Several ratings."""
    return lambda rng: {c: rng.choice("12345") if rng.random() < 0.8 else rng.choice(HOSTILE) for c in columns}


def _rating(identifier: str, column: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "column": column, "type": "rating", "options": OPTIONS, "positive": ["1", "2"], **more}


SPLIT = {letter: f"C{letter}" for letter in LETTERS}
RATINGS = [_rating("r", "R"), _rating("s", "S"), _rating("t", "T")]
TYPES: dict[str, TypeCase] = {
    case.name: case
    for case in (
        TypeCase("rating", {"questions": [_rating("q", "Q", half_steps=True)]}, one_of("Q", "12345"), ({"Q": "1"}, {"Q": "4"})),
        TypeCase("choice", {"questions": [{"id": "q", "column": "Q", "type": "choice", "options": LETTERS}]}, one_of("Q", "abcdef"), ({"Q": "a"}, {"Q": "b"})),
        TypeCase("multi", {"questions": [{"id": "q", "column": "Q", "type": "multi", "at_most": 3, "options": LETTERS}]}, some_of("Q"), ({"Q": "a,b,c,d,e,f"}, {"Q": "d,e,f"})),
        TypeCase(
            "multi_columns", {"questions": [{"id": "q", "columns": SPLIT, "type": "multi", "at_most": 2, "options": LETTERS}]}, ticks(*SPLIT.values()),
            (dict.fromkeys(SPLIT.values(), "1"), {column: str(int(column in ("Ce", "Cf"))) for column in SPLIT.values()}),
        ),
        TypeCase(
            "numeric", {"questions": [{"id": "q", "column": "Q", "type": "numeric", "bounds": [-5, 90], "bins": [-5, 0, 20, 90]}]},
            one_of("Q", ("-5", "0", "19.99", "20", "90", "90.0001", "1,000", "$7", "45")), ({"Q": "90"}, {"Q": "-5"}, {"Q": "1e18"}),
        ),
        TypeCase("nps", {"questions": [{"id": "q", "column": "Q", "type": "nps"}]}, one_of("Q", tuple(map(str, range(11)))), ({"Q": "10"}, {"Q": "0"})),
        TypeCase(
            "index", {"questions": RATINGS, "indices": [{"id": "i", "items": ["r", "s", "t"]}, {"id": "j", "items": ["r", "s"], "score": "mean"}]},
            several("R", "S", "T"), (dict.fromkeys("RST", "1"), dict.fromkeys("RST", "4")),
        ),
        TypeCase(
            "demographics", {"questions": [_rating("q", "Q")], "demographics": [DISTRICT, {"id": "h", "column": "H", "categories": {"1": "Young", "2": "Old"}}]},
            lambda rng: {"Q": rng.choice("12345"), "H": rng.choice(("1", "2", "", rng.choice(HOSTILE)))}, ({"Q": "1", "H": "1"}, {"Q": "4", "H": "2"}, {"Q": "4", "H": "1"}),
        ),
        TypeCase(
            "multi_by_multi",
            {"questions": [{"id": f"q{i}", "column": f"Q{i}", "type": "multi", "at_most": 2, "options": LETTERS} for i in (1, 2)]},
            lambda rng: some_of("Q1")(rng) | some_of("Q2")(rng), ({"Q1": "a,b", "Q2": "a,b"}, {"Q1": "c,d", "Q2": "c,d"}),
            and_tables=(("q1", "q2"),),
        ),
        TypeCase(
            "multi_by_index", {"questions": [*RATINGS, {"id": "q", "column": "Q", "type": "multi", "at_most": 3, "options": LETTERS}], "indices": [{"id": "i", "items": ["r", "s", "t"]}]},
            lambda rng: several("R", "S", "T")(rng) | some_of("Q")(rng), ({**dict.fromkeys("RST", "1"), "Q": "a,b,c"}, {**dict.fromkeys("RST", "4"), "Q": "d,e,f"}),
            and_tables=(("q", "i"),),
        ),
        TypeCase(
            "ranking", {"questions": [{"id": "q", "columns": ["Q1", "Q2", "Q3"], "type": "ranking", "options": LETTERS}]},
            lambda rng: {place: rng.choice((*"abcdef", "a", "", rng.choice(HOSTILE))) for place in ("Q1", "Q2", "Q3")},
            ({"Q1": "a", "Q2": "b", "Q3": "c"}, {"Q1": "d", "Q2": "e", "Q3": "f"}),
        ),
        TypeCase(
            "themes", {"questions": [{"id": "q", "column": "Q", "type": "themes", "dictionary": THEMES, "at_most": 2}]},
            lambda rng: {"Q": " ".join(rng.choices(("bus", "Tráfico!", "parks", "rent", "the", "crime"), k=rng.randint(0, 6))) or rng.choice(HOSTILE)},
            ({"Q": "Buses and traffic, parks and rents."}, {"Q": "rents and crime"}),
        ),
        TypeCase(
            "household", {"questions": [_rating("q", "Q")], "residents": {"key": ["Email"], "normalise": "email", "household": {"key": "Home", "at_most": 2}}},
            lambda rng: {"Q": rng.choice("12345"), "Home": rng.choice(("1 Elm Street", "1  ELM street", "2 Oak Road", ""))}, ({"Q": "1", "Home": HOME}, {"Q": "4", "Home": HOME}),
        ),
        TypeCase(
            "verified", {"questions": [_rating("q", "Q")], "residents": {"key": ["Email"], "normalise": "email", "verified_by": {"format": "generic", "match": "Email"}}},
            one_of("Q", "12345"), ({"Q": "1"}, {"Q": "4"}), not_exchanged=frozenset({"verified"}),
        ),
        TypeCase("keyless", {"questions": [_rating("q", "Q")], "residents": {"key": "none"}}, one_of("Q", "12345"), ({"Q": "1"}, {"Q": "4"})),
        TypeCase("xlsx", {"questions": [_rating("q", "Q")]}, one_of("Q", "12345"), ({"Q": "1"}, {"Q": "4"}), format="xlsx"),
        TypeCase("long", {"questions": [_rating("q", "Q")]}, one_of("Q", "12345"), ({"Q": "1"}, {"Q": "4"}), format="long"),
    )
}  # fmt: skip


def _source(kind: str) -> dict[str, Any]:
    source = {"id": "web", "format": "delimited", "time": {"column": "When", "pattern": TIME}}
    if kind == "long":
        return source | {"layout": "long", "respondent": ["Respondent"], "item": "Item", "value": "Value"}
    return source | {"format": kind}


def together(names: Iterable[str]) -> TypeCase:
    """One survey of several types, ids and columns prefixed by the type's name."""
    cases = [TYPES[name] for name in names]
    declared: dict[str, Any] = {"questions": [], "indices": [], "demographics": [DISTRICT]}
    for case in cases:
        for kind in declared:
            entries = [entry for entry in case.declared.get(kind, ()) if entry is not DISTRICT]
            declared[kind] += [_renamed(entry, f"{case.name}_") for entry in entries]

    def prefixed(answered: Mapping[str, Answers]) -> Answers:
        return {f"{name}_{column}": text for name, answers in answered.items() for column, text in answers.items()}

    return TypeCase(
        "together",
        declared,
        lambda rng: prefixed({case.name: case.answers(rng) for case in cases}),
        tuple(prefixed({case.name: case.worst[i] for case in cases}) for i in (0, 1)),
    )


def _renamed(entry: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = dict(entry) | {"id": prefix + entry["id"]}
    if "column" in found:
        found["column"] = prefix + found["column"]
    if "items" in found:
        found["items"] = [prefix + item for item in found["items"]]
    if isinstance(found.get("columns"), dict):
        found["columns"] = {code: prefix + column for code, column in found["columns"].items()}
    elif "columns" in found:
        found["columns"] = [prefix + column for column in found["columns"]]
    return found


def survey_of(case: TypeCase) -> dict[str, Any]:
    """The survey.yaml of a case."""
    declared: dict[str, Any] = {
        "survey": "replay",
        "title": "Replay",
        "population": "adults",
        "wave": {"id": "1", "year": 2026},
        "expected": {"responses": 400},
        "residents": {"key": ["Email"], "normalise": "email"},
        "sources": [_source(case.format)],
        "missing": {"": "not_answered", "NA": "not_asked", "-99": "not_answered"},
        "demographics": [DISTRICT],
    }
    return declared | dict(case.declared)


def policy_of(case: TypeCase, *, shared_keys: bool = False, noise: str = "gaussian") -> dict[str, Any]:
    """A policy.yaml that measures every table."""
    protects = "response" if case.keyless else "household" if case.household else "resident"
    unit = {"protects": protects, "shared_keys": shared_keys}
    return {
        "population": "adults",
        "unit": unit,
        "delta": 1e-6,
        "caps": {scope: {"rho": 1e6} for scope in ("release", "wave", "year", "lifetime")},
        "spend": {"epsilon": 3, "noise": noise},
        "workload": {"crosstabs": {"others": "all"}},
        "precision": {"publish_margin_points": 10, "min_expected_base": 40},
        "prior": {"interaction": 3},
    }


@cache
def _survey(name: str) -> Survey:
    return Survey.model_validate(survey_of(TYPES[name]))


@cache
def _plan(name: str, shared_keys: bool, noise: str) -> Plan:
    zeros, case = "0" * 64, TYPES[name]
    policy = Policy.model_validate(policy_of(case, shared_keys=shared_keys, noise=noise))
    plan = make_plan(case.survey, policy, survey_digest=zeros, policy_digest=zeros)
    mechanism: Mechanism = "discrete_gaussian" if noise == "gaussian" else "discrete_laplace"
    known = {attribute.id: attribute for attribute in case.attributes}
    more = [
        measured_table(tuple(known[a] for a in table), mechanism, NANO, shared_keys=shared_keys)
        for table in case.and_tables
    ]
    return plan.model_copy(update={"measured": (*plan.measured, *more)})
