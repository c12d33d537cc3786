"""Riverbend's invited residents: invented names, addresses that reach nobody (example.org, RFC 2606)."""

import unicodedata
from dataclasses import dataclass

from pipelines.riverbend.draws import picks, uniforms

_FIRST = (
    "Ada Alma Amir Ana Ben Carla Chidi Dana Diego Elena Femi Grace Hana Hugo Inés Iris "
    "Jamal José Kai Lena Lucía Mara Mei Milo Nadia Noé Omar Paula Quinn Rosa Sam Tomás"
).split()
_LAST = (
    "Abara Alder Birch Brook Castaño Cedar Dunn Elm Fielder Ford Garza Grove Hazel Ibáñez Juniper "
    "Keller Lake Marsh Meadow Muñoz Nuñez Oakes Peña Quarry Reed Ridge Rivera Stone Tanaka Vale"
).split()
_STREETS = ("Mill Street", "Ferry Road", "Orchard Lane", "Levee Drive", "Station Avenue", "Willow Court")


@dataclass(frozen=True)
class Resident:
    """One invited resident, as the city's CRM knows them."""

    number: int
    first: str
    last: str
    street: str

    @property
    def email(self) -> str:
        return f"{_plain(self.first)}.{_plain(self.last)}.{self.number}@example.org"


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def residents(count: int) -> tuple[Resident, ...]:
    """The first `count` residents; the order says nothing about them."""
    first = picks("first", count, [1] * len(_FIRST))
    last = picks("last", count, [1] * len(_LAST))
    street = picks("street", count, [1] * len(_STREETS))
    house = (1 + 400 * uniforms("house", count)).astype(int)
    return tuple(
        Resident(number, _FIRST[f], _LAST[n], f"{h} {_STREETS[s]}")
        for number, (f, n, s, h) in enumerate(zip(first, last, street, house, strict=True), start=1)
    )
