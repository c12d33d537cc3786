"""What is known of a kind of export beyond what its file shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


def one_header_row(leading: Sequence[Sequence[str]]) -> int:  # noqa: ARG001  (the shape of every such rule)
    """A single record of column names."""
    return 1


def as_spelled(value: str) -> str:
    """The value itself."""
    return value


@dataclass(frozen=True)
class ExportKind:
    """A kind of export. Reading needs the first four fields; the others help to draft a survey file.

    `header_rows`: how many of the leading records are header.
    `filled_when_complete`: the column that is blank in partial responses and in no other.
    `time_spelled`: brings a time stamp to a spelling that a strptime pattern can describe.
    `marks`: column names of this system, in lower case; `marks_needed` of them tell it from others.
    `identity`: columns that say who answered. `service`: other columns that the system adds to the questionnaire.
    `resident_key`: columns that can hold a resident's own key, and its normalisation, the best first.
    `time`: the column of the response's time, and patterns it is known to have.
    `joined_by`: what stands between the choices of one multi-select cell.
    """

    name: str
    header_rows: Callable[[Sequence[Sequence[str]]], int] = one_header_row
    filled_when_complete: str | None = None
    time_spelled: Callable[[str], str] = as_spelled
    marks: frozenset[str] = frozenset()
    marks_needed: int = 2
    identity: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    resident_key: Mapping[str, str] = field(default_factory=dict[str, str])
    time: tuple[str, ...] = ()
    time_patterns: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    complete: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    joined_by: str = ","
