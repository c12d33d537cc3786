"""Who answered, how, when and how often: the responses behind Riverbend's two exports, with the usual disorder.

Beside one clean response of each respondent there are second ones (another spelling of the address, another channel),
abandoned ones, previews, people from outside the city, and rows without an address.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from pipelines.riverbend.answers import DEMOGRAPHICS, OTHERS, QUESTIONS, Codes, answers
from pipelines.riverbend.draws import uniforms
from pipelines.riverbend.residents import Resident, residents

INVITED = 12_000
_OPEN = 150
"""Residents who are not on the contact list and answer the open link."""
_WEB, _MAIL = 2_250, 750
_AGAIN_WEB, _ALSO_MAIL, _ABANDONED, _OUTSIDE, _NO_KEY, _PREVIEWS = 40, 25, 30, 45, 10, 6
_TOTAL = _WEB + _MAIL + _AGAIN_WEB + _ALSO_MAIL + _ABANDONED + _OUTSIDE + _NO_KEY + _PREVIEWS

_START = datetime(2026, 3, 2, 6)  # noqa: DTZ001  an export's clock has no zone
_WEEKS_ONE, _WEEK_FOUR = (0.0, 20.0), (21.0, 27.0)
_AFTER_ABANDONING = frozenset(QUESTIONS[12:]) | frozenset(OTHERS) | frozenset(DEMOGRAPHICS)


@dataclass(frozen=True)
class Response:
    """One row of an export. `number` counts responses; `email` is as typed; `codes` is column → raw answer."""

    number: int
    channel: str
    resident: Resident
    email: str
    at: datetime
    codes: Mapping[str, str]
    finished: bool = True
    inside: bool = True
    preview: bool = False


def invited() -> tuple[Resident, ...]:
    """The residents on the city's contact list."""
    return residents(INVITED)


def responses() -> list[Response]:
    """Every response of both channels, in order of time."""
    everybody = residents(INVITED + _OPEN)
    listed = np.argsort(uniforms("responds", INVITED), kind="stable").tolist()
    open_link = range(INVITED, INVITED + _OPEN)
    web = [*listed[: _WEB - _OPEN], *open_link]
    mail = listed[_WEB : _WEB + _MAIL]
    outside = listed[_WEB + _MAIL : _WEB + _MAIL + _OUTSIDE]
    rows = _Rows(answers(_TOTAL), everybody)
    found = [
        *rows.take("web", web, _WEEKS_ONE),
        *rows.take("mail", mail, _WEEKS_ONE),
        *rows.take("web", web[:_AGAIN_WEB], _WEEK_FOUR, respelled=True),
        *rows.take("web", mail[:_ALSO_MAIL], _WEEK_FOUR, respelled=True),
        *rows.take("web", web[-_ABANDONED:], _WEEK_FOUR, finished=False),
        *rows.take("web", outside, _WEEKS_ONE, inside=False),
        *rows.take("web", web[:_NO_KEY], _WEEKS_ONE, no_key=True),
        *rows.take("web", web[:_PREVIEWS], (-2.0, -1.0), preview=True),
    ]
    return sorted(found, key=lambda response: (response.at, response.number))


class _Rows:
    """Hands out the answers one by one, each to the next response."""

    def __init__(self, columns: Mapping[str, Codes], everybody: tuple[Resident, ...]) -> None:
        self._columns = {name: codes.tolist() for name, codes in columns.items()}
        self._people = everybody
        self._moment = uniforms("moment", _TOTAL)
        self._next = 0

    def take(
        self,
        channel: str,
        people: Sequence[int],
        days: tuple[float, float],
        *,
        respelled: bool = False,
        no_key: bool = False,
        finished: bool = True,
        inside: bool = True,
        preview: bool = False,
    ) -> Iterator[Response]:
        for person in people:
            number = self._next
            self._next += 1
            resident = self._people[person]
            email = "" if no_key else (_respelled(resident.email, number) if respelled else resident.email)
            codes = {name: values[number] for name, values in self._columns.items()}
            if not finished:
                codes = {name: "" if name in _AFTER_ABANDONING else code for name, code in codes.items()}
            at = _START + timedelta(seconds=int(86_400 * (days[0] + (days[1] - days[0]) * self._moment[number])))
            yield Response(number, channel, resident, email, at, codes, finished, inside, preview)


def _respelled(email: str, number: int) -> str:
    return (email.upper(), f" {email} ", email.title())[number % 3]
