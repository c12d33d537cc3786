"""One resident is one row, however their address is spelled and on whatever channel they answer."""

import unicodedata
from pathlib import Path

import pytest

from pipelines.intake.batch import SourceFile
from pipelines.zone.ingest_room import WaveKeys, ingest
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.storage import open_zone
from tests.intake_sample import KEY, survey_with

ZONE_KEY = b"z" * 32
NAME = "Zo\u00eb.Fi\u00e9@Example.org"
FULL_WIDTH = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() and c.isascii() else c for c in NAME)
SPELLINGS = {
    "lower case": NAME.lower(),
    "upper case": NAME.upper(),
    "composed": unicodedata.normalize("NFC", NAME),
    "decomposed": unicodedata.normalize("NFD", NAME),
    "compatibility forms": FULL_WIDTH,
    "compatibility forms, decomposed": unicodedata.normalize("NFKD", FULL_WIDTH),
    "ligature": NAME.replace("Fi", "\ufb01"),
    "blanks around": f"  {NAME}\u00a0",
    "zero width inside": NAME.replace("@", "\u200b@"),
    "soft hyphen": NAME.replace(".", ".\u00ad", 1),
}
TAGGED = {"a tag": NAME.replace("@", "+survey@"), "two tags": NAME.replace("@", "+a+b@")}


def counted(zone: Path, *, plus_addresses: bool, answers: list[tuple[str, str]]) -> int:
    """Rows of the zone after each (channel, address) came in an ingest of its own, in turn."""
    residents = {"key": ["Email"], "normalise": "email", "plus_addresses": plus_addresses}
    sources = [
        {"id": "web", "format": "delimited"},
        {"id": "mail", "format": "delimited", "columns": {"Email": "E-Mail"}},
    ]
    survey = survey_with(residents=residents, sources=sources)
    files = []
    for channel, column in (("web", "Email"), ("mail", "E-Mail")):
        path = zone / f"{channel}.csv"
        rows = [f'"{address}",1\n' for of, address in answers if of == channel]
        path.write_text(f"{column},Q1\n" + "".join(rows), encoding="utf-8")
        files.append(SourceFile(channel, path))
    for batch in (files[:1], files[1:]):
        ingest(
            zone,
            survey,
            batch,
            None,
            WaveKeys(ZONE_KEY, KEY, "a" * 64),
            replace=False,
            memory="200MB",
            tell=lambda _: None,
        )
    snapshot = current_snapshot(zone, ZONE_KEY)
    with open_zone({"zone": (snapshot.path, False)}, ZONE_KEY, spill=zone / "spill") as connection:
        return int(connection.execute("SELECT count(*) FROM zone.core_responses").fetchall()[0][0])


def test_every_spelling_on_both_channels_is_one_resident(tmp_path: Path) -> None:
    answers = [(channel, address) for address in SPELLINGS.values() for channel in ("web", "mail")]
    assert counted(tmp_path, plus_addresses=False, answers=answers) == 1


@pytest.mark.parametrize(("declared", "residents"), [(True, 1), (False, 3)])
def test_plus_addresses_are_one_resident_where_that_is_declared(tmp_path: Path, declared: bool, residents: int) -> None:
    answers = [("web", NAME), *(("mail", address) for address in TAGGED.values())]
    assert counted(tmp_path, plus_addresses=declared, answers=answers) == residents


def test_residents_who_only_look_alike_stay_two(tmp_path: Path) -> None:
    cyrillic = NAME.replace("e", "\u0435")
    assert counted(tmp_path, plus_addresses=True, answers=[("web", NAME), ("mail", cyrillic)]) == 2
