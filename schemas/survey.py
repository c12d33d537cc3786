"""survey.yaml: the data team's public declaration of an instrument, its sources and its residents."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from schemas.base import Declared, Identifier, Slug, Text, is_unsaid
from schemas.questions import (
    ChoiceQuestion,
    Options,
    Question,
    RatingQuestion,
    as_options,
)


class Wave(Declared):
    """One fielding. `year` is the year whose cap is charged, whenever the release happens."""

    id: Slug
    year: Annotated[int, Field(ge=1900, le=2999)]


class Expected(Declared):
    """Public numbers for forecasts and for the check of small groups only: never compared with the data."""

    responses: Annotated[int, Field(ge=1, le=10**10)]
    invited: Annotated[int, Field(ge=1, le=10**10)] | None = None
    frame: Annotated[int, Field(ge=1, le=10**10)] | None = Field(default=None, exclude_if=is_unsaid)
    """How many people the population has in public, of whom the targets of demographics are shares."""


class KeyNormalisation(StrEnum):
    """How spellings of one resident key are brought together before hashing."""

    EMAIL = "email"
    PHONE = "phone"
    TEXT = "text"
    CODE = "code"
    EXACT = "exact"


class VerifiedBy(Declared):
    """A contact list that says who is a resident: matched on the resident key, one bit kept.

    `match`: the contact column that holds the same key. `require`: responses without a match are not counted.

    `codes`: the resident key is a one-time code that `hearsafe invite` issued to the contacts; only issued codes count,
    each once. `match` then tells the contacts apart, and no contact list is read at ingest.
    """

    format: Literal["salesforce", "hubspot", "dynamics", "civicrm", "generic"]
    match: str
    require: bool = False
    codes: bool = False


class Household(Declared):
    """A second keyed pseudonym, with at most `at_most` counted responses each. It goes with `protects: household`."""

    key: Annotated[tuple[str, ...], Field(min_length=1)]
    at_most: Annotated[int, Field(ge=1, le=20)]
    normalise: KeyNormalisation = KeyNormalisation.TEXT
    """How spellings of one household are brought together: an address in one case, with single blanks."""

    @field_validator("key", mode="before")
    @classmethod
    def _single_key(cls, raw: object) -> object:
        return (raw,) if isinstance(raw, str) else raw


class Residents(Declared):
    """Who a response belongs to. `key: none` makes the response itself the protected unit."""

    key: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["none"]
    normalise: KeyNormalisation = KeyNormalisation.EXACT
    drop: tuple[str, ...] = ()
    """Identity columns that are named so that reviewers see them; they never reach the zone (nor does any other
    column that no question, demographic or rule uses)."""
    plus_addresses: bool = False
    """With `normalise: email`: `a+tag@x` counts as `a@x`."""
    verified_by: VerifiedBy | None = None
    household: Household | None = None

    @property
    def issued(self) -> bool:
        """Whether residents answer under codes that hearsafe issued."""
        return self.verified_by is not None and self.verified_by.codes

    @model_validator(mode="after")
    def _codes_are_the_key(self) -> "Residents":
        if self.issued and (self.normalise is not KeyNormalisation.CODE or self.key == "none" or len(self.key) != 1):
            raise ValueError("verified_by.codes needs normalise: code and a key of one column, which holds the code")
        return self

    @field_validator("key", mode="before")
    @classmethod
    def _single_key(cls, raw: object) -> object:
        return (raw,) if isinstance(raw, str) and raw != "none" else raw

    @property
    def responses_per_unit(self) -> int:
        """Responses that are counted of one privacy unit at most."""
        return 1 if self.household is None else self.household.at_most


class TimeColumn(Declared):
    """When a response was given, and in which strptime pattern."""

    column: str
    pattern: str


class Membership(Declared):
    """A rule on one column: the row counts when its value is one of `in`."""

    column: str
    values: Annotated[tuple[str, ...], Field(min_length=1, alias="in")]


SourceFormat = Literal[
    "qualtrics", "surveymonkey", "google_forms", "microsoft_forms", "limesurvey", "odk", "kobo", "redcap", "survey123",
    "delimited", "xlsx", "parquet",
]  # fmt: skip
"""The survey system an export is of, or what the file is. Codes of survey firms come as one of the last three."""


class Source(Declared):
    """One kind of export. Several files may be given for one source."""

    id: Slug
    format: SourceFormat
    layout: Literal["wide", "long"] = "wide"
    encoding: str = "auto"
    separator: str = "auto"
    sheet: str | None = None
    header_rows: Annotated[int, Field(ge=1, le=10)] | None = None
    """How many leading records are headers; without it, found from the format."""
    where: dict[str, tuple[str, ...]] = {}
    """Keep the rows whose column holds one of the values."""
    time: TimeColumn | None = None
    complete: Membership | None = None
    """When a response counts as complete; without it, as its format says (LimeSurvey), or when any question is
    answered."""
    columns: dict[str, str] = {}
    """Declared column name → the name this source gives it."""
    absent: tuple[str, ...] = ()
    """Declared columns that this source does not have: their questions were not asked there."""
    item: str | None = None
    value: str | None = None
    respondent: tuple[str, ...] = ()
    """With `layout: long`: the columns that name the respondent, the question and the answer."""

    @model_validator(mode="after")
    def _long_needs_columns(self) -> "Source":
        if self.layout == "long" and not (self.item and self.value and self.respondent):
            raise ValueError("layout long needs respondent, item and value")
        return self


MissingCode = Literal["not_answered", "not_asked"]


class Demographic(Declared):
    """A question about the respondent whose categories form the groups of crosstabs.

    `targets`: public population shares, by category code or `not_answered`; they sum to 1. `share` of a category that
    is not a target may be given in `expected_shares`, for forecasts only.
    """

    id: Identifier
    column: str
    label: Text | None = None
    categories: Annotated[Options, Field(min_length=1, max_length=240)]
    targets: dict[str, Annotated[float, Field(ge=0, le=1)]] | None = None
    expected_shares: dict[str, Annotated[float, Field(ge=0, le=1)]] | None = None

    @field_validator("categories", mode="before")
    @classmethod
    def _short_forms(cls, raw: object) -> object:
        return as_options(raw)

    @model_validator(mode="after")
    def _shares(self) -> "Demographic":
        for name, shares in (("targets", self.targets), ("expected_shares", self.expected_shares)):
            if shares is None:
                continue
            unknown = [code for code in shares if code not in self.categories and code != "not_answered"]
            if unknown:
                raise ValueError(f"{name} names {unknown[0]!r}, which is not a category")
            if abs(sum(shares.values()) - 1) > 0.005:
                raise ValueError(f"{name} must sum to 1 (within 0.005)")
        missing = [code for code in self.categories if self.targets is not None and code not in self.targets]
        if missing:
            raise ValueError(f"targets has no share for category {missing[0]!r}")
        return self


class Index(Declared):
    """A composite of several questions: the respondent's mean over the items answered.

    `score: positive` averages 'gave a favourable answer' (0 or 1); `score: mean` averages the items' scores, each
    brought to 0…1 by its own lowest and highest score.
    """

    id: Identifier
    items: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    label: Text | None = None
    score: Literal["positive", "mean"] = "positive"


class Benchmark(Declared):
    """An outside figure to compare with: a share (0…1) for % positive and indices, points for nps, else a mean."""

    value: float
    source: Text


class EarlierWave(Declared):
    """What a question was in an earlier wave of the same survey; its figures are taken from a release of that wave.

    `codes`: earlier code → today's, where they differ; several may become one. `wording`: for readers. `release`: which
    one, where the wave has several.
    """

    question: Identifier
    codes: dict[str, str] = {}
    wording: Text | None = None
    release: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None


def _as_earlier(raw: object) -> object:
    """`"2023": q1a` and `"2023": {question: q1a}` are the same."""
    if not isinstance(raw, dict):
        return raw
    return {wave: {"question": value} if isinstance(value, str) else value for wave, value in raw.items()}  # pyright: ignore[reportUnknownVariableType]


EarlierWaves = Annotated[dict[Slug, EarlierWave], BeforeValidator(_as_earlier)]


class Survey(Declared):
    """The whole of survey.yaml."""

    survey: Slug
    title: Text
    population: Slug
    wave: Wave
    expected: Expected
    residents: Residents
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    missing: dict[str, MissingCode] = {"": "not_answered"}
    demographics: tuple[Demographic, ...] = ()
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    indices: tuple[Index, ...] = ()
    eligible: Membership | None = None
    trends: dict[Identifier, EarlierWaves] = {}
    benchmarks: dict[Identifier, Benchmark] = {}
    importance: dict[Identifier, Identifier] = {}
    """Question on satisfaction → question on how important the same subject is."""

    @model_validator(mode="after")
    def _consistent(self) -> "Survey":
        ids = [x.id for x in (*self.demographics, *self.questions, *self.indices)]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"id {twice[0]!r} is declared twice")
        if "verified" in ids or "not_answered" in ids:
            raise ValueError("the ids 'verified' and 'not_answered' are taken by hearsafe")
        source_ids = [s.id for s in self.sources]
        if len(set(source_ids)) != len(source_ids):
            raise ValueError("two sources have the same id")
        questions = {q.id: q for q in self.questions}
        for index in self.indices:
            for item in index.items:
                question = questions.get(item)
                if question is None:
                    raise ValueError(f"index {index.id!r} names {item!r}, which is not a question")
                if not isinstance(question, RatingQuestion | ChoiceQuestion):
                    what = f"item {item!r} is of type {question.type}; rating or choice needed"
                    raise ValueError(f"index {index.id!r}: {what}")  # noqa: TRY004 - pydantic turns ValueError alone
                if index.score == "positive" and not question.positive:
                    raise ValueError(f"index {index.id!r}: item {item!r} declares no positive options")
        for name in (*self.trends, *self.benchmarks):
            if name not in questions and name not in {i.id for i in self.indices}:
                raise ValueError(f"trends or benchmarks name {name!r}, which is not a question or an index")
        if self.residents.key == "none" and (self.residents.verified_by or self.residents.household):
            raise ValueError("verified_by and household need a resident key")
        return self
