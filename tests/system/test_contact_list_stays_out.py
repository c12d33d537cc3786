"""Of a contact list nothing enters the zone but one bit a response: whether its key was on the list.

Also where the list's columns say much more, and only the worker that takes exports in reads the list at all.
"""

import csv
import secrets
from pathlib import Path

import pytest

from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.release import release
from pipelines.zone import launcher
from pipelines.zone.keys import KeySource, read_key_file
from pipelines.zone.responses import column_types
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.storage import open_zone
from tests.system.city import City, build_city
from tests.system.sweep import hits
from tests.system.test_wave_end import Wave

FILE = KeySource("file")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Wave, list[str], list[dict[str, object]]]:
    """A wave ingested beside a CRM export that says everything, what that holds, and what each worker was asked."""
    wave = Wave(tmp_path_factory.mktemp("crm"))
    planted = enriched(build_city(wave.folder / "city", residents=300))
    asked: list[dict[str, object]] = []
    plain = launcher._request

    def noting(zone: object, verb: str, body: dict[str, object]) -> object:
        asked.append({"verb": verb, "body": repr(body)})
        return plain(zone, verb, body)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "_request", noting)
        files = [SourceFile("web", wave.city.export)]
        ingest(wave.workspace, wave.declarations, files, contacts=wave.city.contacts, key=FILE)
        release(wave.workspace, wave.declarations, key=FILE)
    return wave, planted, asked


def enriched(city: City) -> list[str]:
    """Give every contact columns of a CRM, each value of its own. Returns: the values."""
    with city.contacts.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    planted: list[str] = []
    for row in rows:
        more = {name: f"canarycrm{name}{secrets.token_hex(8)}" for name in ("Street", "Parcel", "CaseNote", "VoterId")}
        planted += [*more.values(), row["Id"]]
        row.update(more)
    with city.contacts.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return planted


def test_the_zone_has_one_bit_of_the_contact_list(told: tuple[Wave, list[str], list[dict[str, object]]]) -> None:
    wave, planted, _ = told
    key = read_key_file(wave.keys / "zone.key")
    snapshot = current_snapshot(wave.zone, key)
    attributes = wave.declarations.attributes
    verified = [number for number, attribute in enumerate(attributes) if attribute.origin == "verified"]
    assert len(verified) == 1
    cells = ["yes", "no"]
    assert [cell.code for cell in attributes[verified[0]].cells] == cells
    with open_zone({"zone": (snapshot.path, False)}, key, spill=wave.zone / "spill") as zone:
        tables = [row[0] for row in zone.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        columns = {
            row[0] for row in zone.execute("SELECT column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
        }
        everything = b"".join(repr(zone.execute(f"FROM zone.{table}").fetchall()).encode() for table in tables)
        bits = zone.execute(f"SELECT DISTINCT a{verified[0]} FROM zone.core_responses ORDER BY 1").fetchall()
    assert "core_responses" in tables
    assert bits == [(0,), (1,)], "some are on the list, some are not"
    assert hits(everything, planted) == []
    about_files = {"mark", "source", "rules", "read", "excluded", "quarantined", "row_number", "field", "reason"}
    assert columns == column_types(attributes).keys() | about_files, "a column beyond answers, key, time and files"
    for path in wave.workspace.root.rglob("*"):
        assert not path.is_file() or hits(path.read_bytes(), planted) == [], path.name


def test_only_the_ingest_is_told_where_the_contact_list_is(
    told: tuple[Wave, list[str], list[dict[str, object]]],
) -> None:
    wave, _, asked = told
    place = str(wave.city.contacts)
    assert [(request["verb"], place in str(request["body"])) for request in asked] == [
        ("ingest", True),
        ("measure", False),
    ]


def test_the_search_would_see_a_contact_in_the_zone(told: tuple[Wave, list[str], list[dict[str, object]]]) -> None:
    _, planted, _ = told
    assert hits(Path(told[0].city.contacts).read_bytes(), planted[:5]) == planted[:5]
