"""Question types of an instrument, each with its public answer options."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from schemas.base import Declared, Identifier, Text
from schemas.errors import InternalFault
from schemas.themes import Themes


class OptionRole(StrEnum):
    """What a response option says about its respondent. Only `substantive` options enter a base."""

    SUBSTANTIVE = "substantive"
    NO_OPINION = "no_opinion"
    NOT_APPLICABLE = "not_applicable"
    REFUSED = "refused"


class Option(Declared):
    """One response option.

    `also`: other raw values that mean the same option (spellings, codes of another channel).
    `score`: its value in a mean; without it, the code where it is a number, else the position from 1.
    """

    label: Text
    role: OptionRole = OptionRole.SUBSTANTIVE
    score: float | None = None
    also: tuple[str, ...] = ()


Options = dict[str, Option]


def as_options(raw: object) -> object:
    """`"1": Excellent`, `"1": {en: Excellent}` and `"1": {label: Excellent, role: …}` are all an option."""
    if not isinstance(raw, dict):
        return raw
    fields = set(Option.model_fields)
    options: dict[object, object] = {}
    for code, value in raw.items():  # pyright: ignore[reportUnknownVariableType]
        is_option = isinstance(value, Option) or (isinstance(value, dict) and "label" in value and set(value) <= fields)  # pyright: ignore[reportUnknownArgumentType]
        options[code] = value if is_option else {"label": value}
    return options


class _Question(Declared):
    id: Identifier
    text: Text | None = None
    base: Text | None = None
    """Who was asked, in words, where not everybody was."""

    def columns_used(self) -> tuple[str, ...]:
        """The source columns this question reads."""
        raise NotImplementedError


class _OptionQuestion(_Question):
    options: Annotated[Options, Field(min_length=1, max_length=240)]

    @field_validator("options", mode="before")
    @classmethod
    def _short_forms(cls, raw: object) -> object:
        return as_options(raw)

    @model_validator(mode="after")
    def _distinct_values(self) -> "_OptionQuestion":
        seen: dict[str, str] = {}
        for code, option in self.options.items():
            for value in (code, *option.also):
                if value in seen:
                    raise ValueError(f"options {seen[value]!r} and {code!r} claim the same raw value")
                seen[value] = code
        return self


class _ScaledQuestion(_OptionQuestion):
    column: str
    positive: tuple[str, ...] = ()
    """Codes of the favourable options; % positive is reported where this is given."""

    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)

    @model_validator(mode="after")
    def _positive_known(self) -> "_ScaledQuestion":
        unknown = [code for code in self.positive if code not in self.options]
        if unknown:
            raise ValueError(f"positive names {unknown[0]!r}, which is not an option")
        return self


class RatingQuestion(_ScaledQuestion):
    """One answer on an ordered scale. `half_steps` also accepts the points half-way between numeric codes."""

    type: Literal["rating"]
    half_steps: bool = False

    @model_validator(mode="after")
    def _half_steps_need_numbers(self) -> "RatingQuestion":
        if self.half_steps:
            for code, option in self.options.items():
                if option.role is OptionRole.SUBSTANTIVE and not code.lstrip("-").isdigit():
                    raise ValueError("half_steps needs whole numbers as codes of the substantive options")
        return self


class ChoiceQuestion(_ScaledQuestion):
    """One answer among unordered options."""

    type: Literal["choice"]


class MultiQuestion(_OptionQuestion):
    """Any number of answers up to `at_most`: one joined cell (`column`, `separator`) or a column an option (`columns`).

    `ticked`: with `columns`, the raw values that mean ticked; anything else that is not blank is invalid.
    `unticked`: with `columns`, raw values that mean not ticked (blank always does).
    """

    type: Literal["multi"]
    column: str | None = None
    separator: Annotated[str, Field(min_length=1)] = ","
    columns: dict[str, str] | None = None
    at_most: Annotated[int, Field(ge=1, le=240)]
    ticked: tuple[str, ...] = ("1", "true", "yes", "y", "checked", "selected")
    unticked: tuple[str, ...] = ("0", "false", "no", "n", "unchecked")

    def columns_used(self) -> tuple[str, ...]:
        return tuple(self.columns.values()) if self.columns else (self.column or "",)

    @model_validator(mode="after")
    def _one_layout(self) -> "MultiQuestion":
        if (self.column is None) == (self.columns is None):
            raise ValueError("needs either column (joined cell) or columns (one per option), not both")
        if self.columns is not None:
            unknown = [code for code in self.columns if code not in self.options]
            if unknown:
                raise ValueError(f"columns names {unknown[0]!r}, which is not an option")
        if self.at_most > len(self.options):
            raise ValueError("at_most is larger than the number of options")
        return self


class NumericQuestion(_Question):
    """A number between public bounds, reported as a histogram over public bins and as a mean.

    Values outside `bounds` are invalid, never clamped silently. `bins` are the edges: each bin holds its lower edge,
    the last one also its upper edge.
    """

    type: Literal["numeric"]
    column: str
    bounds: tuple[float, float]
    bins: Annotated[tuple[float, ...], Field(min_length=2, max_length=200)]
    unit: Text | None = None

    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)

    @model_validator(mode="after")
    def _edges(self) -> "NumericQuestion":
        low, high = self.bounds
        if not low < high:
            raise ValueError("bounds must be [low, high] with low below high")
        if list(self.bins) != sorted(set(self.bins)):
            raise ValueError("bins must rise")
        if (self.bins[0], self.bins[-1]) != (low, high):
            raise ValueError("bins must begin and end at the bounds")
        return self


class NpsQuestion(_Question):
    """Likelihood to recommend, 0 to 10; reported as promoters (9, 10) less detractors (0 to 6)."""

    type: Literal["nps"]
    column: str

    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)


class RankingQuestion(_OptionQuestion):
    """The top choices in order, one column a place. Every column holds the code of the option at its place."""

    type: Literal["ranking"]
    columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]

    def columns_used(self) -> tuple[str, ...]:
        return self.columns

    @model_validator(mode="after")
    def _places(self) -> "RankingQuestion":
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names a column twice")
        if len(self.columns) > len(self.options):
            raise ValueError("columns has more places than there are options")
        return self


class ThemesQuestion(_Question):
    """Open comments, coded inside the zone by a public dictionary; verbatim text never leaves.

    `dictionary`: the themes, or the name of the file beside survey.yaml that holds them, which the loader puts in its
    place. `at_most`: themes counted of one comment, the first ones in the dictionary's order.
    """

    type: Literal["themes"]
    column: str
    dictionary: str | Themes
    at_most: Annotated[int, Field(ge=1, le=240)] = 3

    @property
    def themes(self) -> Themes:
        """Raises: InternalFault: the dictionary's file was not read."""
        if isinstance(self.dictionary, str):
            raise InternalFault("dictionary_unread", "a survey's dictionary of themes was not read", where=self.id)
        return self.dictionary

    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)


Question = Annotated[
    RatingQuestion | ChoiceQuestion | MultiQuestion | NumericQuestion | NpsQuestion | RankingQuestion | ThemesQuestion,
    Field(discriminator="type"),
]
