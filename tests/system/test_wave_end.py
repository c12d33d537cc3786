"""A wave is closed, and expires: what was destroyed is gone, what is on record says so, and what stays still works."""

import base64
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.declarations import Declarations, load_declarations
from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.ledger.approvals import approve, new_officer_key
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from pipelines.release import release
from pipelines.wave_end import close_wave, due_dates, expire_wave, waiting_for
from pipelines.workspace import Workspace, open_workspace
from pipelines.zone import keys as zone_keys
from pipelines.zone.keys import KeySource, read_hmac_key, read_key_file
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.storage import open_zone
from schemas.errors import BudgetRefused, Fault, InputRefused, IntegrityFault, ZoneFault
from schemas.ledger import EventKind
from tests.system.city import POLICY, City, build_city
from tests.system.command import ROOT, hearsafe
from tests.system.sweep import forms

KEPT = "retention: {close_wave_days: 30, destroy_zone_days: 365}\n"
FILE = KeySource("file")


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


class Wave:
    """A city whose wave has been ingested."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.city = City(folder / "city", folder / "city" / "export.csv", folder / "city" / "contacts.csv")

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.folder / "ws")

    @property
    def declarations(self) -> Declarations:
        return load_declarations(self.city.folder)

    @property
    def zone(self) -> Path:
        return self.folder / "ws" / "zone" / "testville" / "2026"

    @property
    def keys(self) -> Path:
        return self.folder / "ws" / "keys" / "testville" / "2026"

    def take(self, **options: Any) -> str:
        files = [SourceFile("web", self.city.export)]
        return ingest(self.workspace, self.declarations, files, contacts=self.city.contacts, key=FILE, **options)

    def ledger(self, days: float = 0) -> Ledger:
        return Ledger.open(self.workspace, now=lambda: datetime.now(UTC) + timedelta(days=days))

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.ledger().events()]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ends")
    build_city(folder / "city", residents=300).declare(policy=POLICY + KEPT)
    Wave(folder).take()
    return folder


@pytest.fixture
def wave(ingested: Path, tmp_path: Path) -> Wave:
    shutil.copytree(ingested, tmp_path / "run")
    return Wave(tmp_path / "run")


def columns_of(wave: Wave) -> dict[str, list[str]]:
    key = read_key_file(wave.keys / "zone.key")
    snapshot = current_snapshot(wave.zone, key)
    with open_zone({"zone": (snapshot.path, False)}, key, spill=wave.zone / "spill") as zone:
        found = zone.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'zone' ORDER BY ALL"
        ).fetchall()
    return {table: [name for other, name in found if other == table] for table, _ in found}


def test_a_closed_wave_has_no_pseudonyms_no_times_and_no_key_that_makes_them(wave: Wave) -> None:
    before, hmac = columns_of(wave), read_hmac_key(wave.keys / "hmac.key", read_key_file(wave.keys / "zone.key"))
    assert {"pseudonym", "tie", "seen_at"} < set(before["core_responses"])
    old = list(wave.zone.glob("*.duckdb"))
    event = close_wave(wave.workspace, wave.declarations, key=FILE)
    assert event.kind is EventKind.CLOSED
    after = columns_of(wave)
    left = set(before["core_responses"]) - {"pseudonym", "tie", "seen_at", "complete"}
    assert set(after["core_responses"]) == left
    assert not [path for path in old if path.exists()]
    assert not (wave.keys / "hmac.key").exists()
    everywhere = [path.read_bytes() for path in wave.folder.rglob("*") if path.is_file()]
    assert not [content for content in everywhere if hmac in content or hmac.hex().encode() in content]


@pytest.mark.extended
def test_a_closed_wave_is_released_as_before_and_returns_free_what_was_released(wave: Wave) -> None:
    first = release(wave.workspace, wave.declarations, key=FILE)
    shutil.rmtree(first.folder)
    close_wave(wave.workspace, wave.declarations, key=FILE)
    again = release(wave.workspace, wave.declarations, key=FILE)
    assert (again.release_id, again.charged) == (first.release_id, False)


@pytest.mark.extended
def test_a_wave_may_be_closed_before_its_first_release(wave: Wave) -> None:
    close_wave(wave.workspace, wave.declarations, key=FILE)
    assert release(wave.workspace, wave.declarations, key=FILE).charged
    assert wave.kinds() == ["OPENED", "INGESTED", "CLOSED", "POLICY", "CHARGED", "SEALED", "PUBLISHED"]


@pytest.mark.extended
@pytest.mark.parametrize("replace", [False, True], ids=["more", "replace"])
def test_a_closed_wave_accepts_nothing(wave: Wave, replace: bool) -> None:
    close_wave(wave.workspace, wave.declarations, key=FILE)
    with refused(InputRefused, "wave_closed"):
        wave.take(replace=replace)
    # Nor does the zone itself, where the ledger's word is missing.
    shutil.rmtree(wave.folder / "ws" / "ledger")
    (wave.folder / "ws" / "keys" / "ledger.key").unlink()
    with refused(InputRefused, "wave_closed"):
        wave.take(replace=replace)


@pytest.mark.extended
def test_closing_is_finished_by_closing_again(wave: Wave, monkeypatch: pytest.MonkeyPatch) -> None:
    first = close_wave(wave.workspace, wave.declarations, key=FILE)
    zone_keys.write_private(wave.keys / "hmac.key", b"left by a crash")
    (wave.zone / "responses-left.duckdb").write_bytes(b"left by a crash")
    assert close_wave(wave.workspace, wave.declarations, key=FILE) == first
    assert not (wave.keys / "hmac.key").exists()
    assert not (wave.zone / "responses-left.duckdb").exists()


@pytest.mark.extended
def test_an_unmarked_copy_of_the_open_file_is_not_taken_for_the_closed_one(wave: Wave) -> None:
    """Somebody who brings the old zone back finds no key for its pseudonyms, and the record is authenticated."""
    old = shutil.copytree(wave.zone, wave.folder / "copy")
    close_wave(wave.workspace, wave.declarations, key=FILE)
    shutil.rmtree(wave.zone)
    shutil.copytree(old, wave.zone)
    with refused(ZoneFault, "hmac_key_missing"):
        release(wave.workspace, wave.declarations, key=FILE)
    record = wave.zone / "current.json"
    record.write_text(record.read_text().replace('{"', '{"closed":"yes","', 1))
    with refused(ZoneFault, "zone_damaged"):
        release(wave.workspace, wave.declarations, key=FILE)


def test_nothing_of_an_expired_wave_can_be_recovered(wave: Wave) -> None:
    """Not by the workspace, not by a backup of the zone, and its key is in no byte that is left."""
    key = read_key_file(wave.keys / "zone.key")
    backup = shutil.copytree(wave.zone, wave.folder / "backup")
    released = release(wave.workspace, wave.declarations, key=FILE)
    with refused(BudgetRefused, "not_due"):
        expire_wave(wave.workspace, wave.declarations, key=FILE)
    event, gone = expire_wave(wave.workspace, wave.declarations, key=FILE, ledger=wave.ledger(days=366))
    assert (event.kind, gone) == (EventKind.EXPIRED, True)
    assert not wave.zone.exists()
    assert not wave.keys.exists()
    needles = [*forms(key.hex()), key, base64.b64encode(key)]
    for path in (wave.folder / "ws").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [needle for needle in needles if needle in content], path
    assert released.folder.exists()
    with refused(BudgetRefused, "wave_expired"):
        release(wave.workspace, wave.declarations, key=FILE)
    with refused(InputRefused, "wave_expired"):
        wave.take()
    shutil.copytree(backup, wave.zone)
    with refused(ZoneFault, "key_missing"):
        current_snapshot(wave.zone, read_key_file(wave.keys / "zone.key"))
    for guess in (bytes(32), b"\xff" * 32):
        with refused(ZoneFault, "zone_damaged_or_key"):
            current_snapshot(wave.zone, guess)


@pytest.mark.extended
def test_before_its_date_a_zone_is_destroyed_by_an_officers_word_only(wave: Wave) -> None:
    officer, stranger = wave.folder / "officer.pem", wave.folder / "stranger.pem"
    name = new_officer_key(officer)
    new_officer_key(stranger)
    wave.city.declare(policy=POLICY + KEPT + f"approvals: {{needed: 1, officers: ['{name}']}}\n")
    approve(wave.ledger(), planned(wave.declarations), wave.declarations.policy, officer)
    for options, code in (
        ({}, "not_due"),
        ({"now": True}, "officer_needed"),
        ({"now": True, "officer_key": stranger}, "not_an_officer"),
    ):
        with refused(BudgetRefused, code):
            expire_wave(wave.workspace, wave.declarations, key=FILE, **options)
        assert wave.zone.exists()
    # A shorter retention in the file at hand gives no date: the officers have not agreed to it.
    wave.city.declare(policy=POLICY + KEPT.replace("365", "0") + f"approvals: {{needed: 1, officers: ['{name}']}}\n")
    with refused(BudgetRefused, "not_due"):
        expire_wave(wave.workspace, wave.declarations, key=FILE)
    event, _ = expire_wave(wave.workspace, wave.declarations, key=FILE, now=True, officer_key=officer)
    assert event.body["officer"] == name.removeprefix("ed25519:")
    assert not wave.zone.exists()
    assert expire_wave(wave.workspace, wave.declarations, key=FILE)[0] == event


@pytest.mark.extended
def test_the_ledger_takes_no_early_end_without_an_officer(wave: Wave) -> None:
    officer = wave.folder / "officer.pem"
    name = new_officer_key(officer)
    wave.city.declare(policy=POLICY + KEPT + f"approvals: {{needed: 1, officers: ['{name}']}}\n")
    ledger = wave.ledger()
    approve(ledger, planned(wave.declarations), wave.declarations.policy, officer)
    body = {"survey": "testville", "wave": "2026"}
    for claimed in (body, body | {"due": "2999-01-01T00:00:00Z"}):
        with refused(IntegrityFault, "ledger_transition"):
            ledger.record(EventKind.EXPIRED, claimed)


@pytest.mark.extended
def test_dates_count_from_the_last_ingest(wave: Wave) -> None:
    dates = due_dates(wave.ledger(), wave.declarations)
    assert dates is not None
    last = max(event.time for event in wave.ledger().events() if event.kind is EventKind.INGESTED)
    start = datetime.fromisoformat(last)
    assert [datetime.fromisoformat(date) - start for date in dates] == [timedelta(days=30), timedelta(days=365)]
    assert waiting_for(wave.workspace, wave.declarations) == dates


@pytest.mark.extended
def test_the_scheduled_flow_ends_what_is_due_and_nothing_before(wave: Wave) -> None:
    code = """import sys
from pathlib import Path
from flows.settings import prepare_prefect
prepare_prefect(Path(sys.argv[1]) / "prefect")
from flows.retention_flow import retention
print(retention(sys.argv[1], sys.argv[2]))
"""

    def run() -> str:
        command = [sys.executable, "-c", code, str(wave.folder / "ws"), str(wave.city.folder)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert run() == "kept"
    wave.city.declare(policy=POLICY + KEPT.replace("30", "0"))
    assert run() == "closed"
    wave.city.declare(policy=POLICY + KEPT.replace("30", "0").replace("365", "0"))
    assert run() == "expired"
    assert run() == "expired"
    assert wave.kinds()[-2:] == ["CLOSED", "EXPIRED"]
    assert not wave.zone.exists()


@pytest.mark.extended
def test_the_commands_say_what_they_did(wave: Wave) -> None:
    shutil.move(wave.folder / "ws", wave.city.folder / "hearsafe-workspace")

    def said(*arguments: str) -> tuple[int, str]:
        done = hearsafe(*arguments, cwd=wave.city.folder)
        return done.returncode, done.stdout + done.stderr

    assert said("close", ".", "--if-due")[1].startswith("not due before ")
    assert said("close", ".")[1].startswith("closed at ")
    code, line = said("expire", ".")
    assert (code, "the zone is kept until" in line) == (6, True)
    assert said("expire", ".", "--if-due")[1].startswith("not due before ")
    assert said("expire", ".", "--now")[1].startswith("expired at ")
    assert said("freeze", "--reason", "review")[1].startswith("frozen: no charge is given from event ")
    assert "All charges are frozen" in said("budget")[1]
    assert said("thaw")[1].startswith("thawed: ")


@pytest.mark.extended
def test_a_key_that_its_owner_keeps_is_named_as_such(wave: Wave, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVE_KEY", (wave.keys / "zone.key").read_text())
    _, gone = expire_wave(wave.workspace, wave.declarations, key=KeySource("env", "WAVE_KEY"), now=True)
    assert not gone
    assert not wave.zone.exists()
