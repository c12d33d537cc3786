"""A command that waited for another finds the world as that one left it, and leaves nothing behind that it ended."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import wave_ending
from pipelines import wave_end
from pipelines.declarations import Declarations, load_declarations
from pipelines.ingest import ingest, show_ingest
from pipelines.intake.batch import SourceFile
from pipelines.invite import invite
from pipelines.ledger.store import Ledger
from pipelines.release import release
from pipelines.wave_end import NotDueError, close_wave, expire_wave
from pipelines.workspace import Workspace, open_workspace
from pipelines.zone import ingest_room, invite_room, launcher
from pipelines.zone.issued import read_issued
from pipelines.zone.keys import KeySource, read_hmac_key, read_key_file
from pipelines.zone.snapshot import Snapshot
from schemas.errors import BudgetRefused, Fault, InputRefused, UsageFault, ZoneFault
from schemas.ledger import EventKind
from tests.system.city import POLICY, City, build_city
from tests.system.command import hearsafe
from tests.system.test_invitations import CODED

KEPT = "retention: {close_wave_days: 0, destroy_zone_days: 0}\n"
FILE = KeySource("file")


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


class Town:
    """A city with a workspace, and its verbs."""

    def __init__(self, folder: Path) -> None:
        self.city = City(folder / "city", folder / "city" / "export.csv", folder / "city" / "contacts.csv")
        self.root = self.city.folder / "hearsafe-workspace"

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.root)

    @property
    def declarations(self) -> Declarations:
        return load_declarations(self.city.folder)

    @property
    def left(self) -> list[str]:
        """Files of zones and of their keys."""
        places = [self.root / "zone", self.root / "keys" / "testville"]
        return [path.name for place in places for path in place.rglob("*") if path.is_file()]

    def kinds(self) -> list[str]:
        return [event.kind.value for event in Ledger.open(self.workspace).events()]

    def ingest(self, **options: Any) -> str:
        files = [SourceFile("web", self.city.export)]
        return ingest(self.workspace, self.declarations, files, contacts=self.city.contacts, key=FILE, **options)

    def invite(self, name: str = "mailing.csv") -> tuple[int, int]:
        mailing = self.city.folder / name
        return invite(self.workspace, self.declarations, self.city.contacts, mailing, key=FILE)

    def expire(self) -> None:
        expire_wave(self.workspace, self.declarations, key=FILE, now=True)

    def close(self, **options: Any) -> None:
        close_wave(self.workspace, self.declarations, key=FILE, **options)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("waits")
    build_city(folder / "city", residents=120).declare(policy=POLICY + KEPT)
    Town(folder).ingest()
    return folder


@pytest.fixture
def town(built: Path, tmp_path: Path) -> Town:
    shutil.copytree(built, tmp_path / "run")
    return Town(tmp_path / "run")


@pytest.fixture
def inviting(tmp_path: Path) -> Town:
    build_city(tmp_path / "city", residents=30).declare(CODED, POLICY)
    return Town(tmp_path)


def while_waiting(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Let another command have the run lock first: from when the next one asks for it until it is free again."""
    lock = Ledger.lock
    had: list[bool] = []

    @contextmanager
    def locked(ledger: Ledger, *arguments: Any) -> Iterator[tuple[int, ...]]:
        if not had:
            had.append(True)
            other()
        with lock(ledger, *arguments) as held:
            yield held

    monkeypatch.setattr(Ledger, "lock", locked)


def test_nothing_is_taken_into_a_wave_that_expired_meanwhile(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    while_waiting(monkeypatch, town.expire)
    with refused(InputRefused, "wave_expired"):
        town.ingest(replace=True)
    assert town.left == []
    assert town.kinds() == ["OPENED", "INGESTED", "EXPIRED"]


def test_nothing_is_taken_into_a_wave_that_was_closed_meanwhile(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    while_waiting(monkeypatch, town.close)
    with refused(InputRefused, "wave_closed"):
        town.ingest(replace=True)
    assert "hmac.key" not in town.left


def test_no_code_is_issued_for_a_wave_that_expired_meanwhile(inviting: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    inviting.invite()
    code = (inviting.city.folder / "mailing.csv").read_text().split()[-1].rpartition(",")[2]
    inviting.city.export.write_text(
        f"When,Code,District,Age,Q1,Q2,Q3,Q4,Q5\n2026-03-01 10:00:00,{code},N,1,1,2,Parks,4,9\n"
    )
    ingest(
        inviting.workspace, inviting.declarations, [SourceFile("web", inviting.city.export)], contacts=None, key=FILE
    )
    while_waiting(monkeypatch, inviting.expire)
    with refused(InputRefused, "wave_expired"):
        inviting.invite("second.csv")
    assert inviting.left == []
    assert not (inviting.city.folder / "second.csv").exists()


@pytest.mark.parametrize("verb", ["release", "close"])
def test_what_expired_meanwhile_is_said_to_have_expired(town: Town, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    while_waiting(monkeypatch, town.expire)
    with refused(BudgetRefused, "wave_expired"):
        release(town.workspace, town.declarations, key=FILE) if verb == "release" else town.close()
    assert town.left == []
    assert not (town.root / "zone" / "testville" / "2026").exists()


def test_a_wave_that_was_begun_and_never_ingested_can_be_destroyed(inviting: Town) -> None:
    with refused(ZoneFault, "zone_empty"):
        inviting.expire()
    inviting.invite()
    assert {"hmac.key", "zone.key", "issued.codes"} <= set(inviting.left)
    with refused(ZoneFault, "zone_empty"):
        expire_wave(inviting.workspace, inviting.declarations, key=FILE)
    inviting.expire()
    assert inviting.left == []
    with refused(InputRefused, "wave_expired"):
        inviting.invite("second.csv")


def test_a_key_that_another_wave_has_too_outlives_one_that_was_never_ingested(inviting: Town) -> None:
    """A mistyped wave and a key in a place of its owner's choice: what is on record decides what it encrypts."""
    shared = inviting.city.folder / "city.key"
    shared.write_text("ab" * 32 + "\n")
    key = KeySource("file", str(shared))
    mailing = inviting.city.folder / "mailing.csv"
    invite(inviting.workspace, inviting.declarations, inviting.city.contacts, mailing, key=key)
    _, gone = expire_wave(inviting.workspace, inviting.declarations, key=key, now=True)
    assert not gone
    assert shared.exists()
    assert inviting.left == []


def test_a_crash_before_the_end_is_recorded_is_finished_later(inviting: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    inviting.invite()
    record = Ledger.record

    def crash(*_: object) -> None:
        raise OSError("killed")

    monkeypatch.setattr(Ledger, "record", crash)
    with pytest.raises(OSError, match="killed"):
        inviting.expire()
    assert inviting.left == []
    monkeypatch.setattr(Ledger, "record", record)
    inviting.expire()
    assert inviting.kinds() == ["OPENED", "EXPIRED"]
    assert not (inviting.root / "keys" / "testville" / "2026").exists()


def test_what_is_shown_is_the_snapshot_of_the_moment(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command replaces the snapshot between the look for it and its opening."""
    folder, key = town.workspace.zone("testville", "2026"), town.workspace.wave_keys("testville", "2026") / "zone.key"
    before = ingest_room.ingest_lines(folder, town.declarations.survey, read_key_file(key))
    current = ingest_room.current_snapshot

    def replaced(*arguments: Any) -> Snapshot:
        found = current(*arguments)
        monkeypatch.setattr(ingest_room, "current_snapshot", current)
        town.ingest(replace=True)
        assert not found.path.exists()
        return found

    monkeypatch.setattr(ingest_room, "current_snapshot", replaced)
    assert ingest_room.ingest_lines(folder, town.declarations.survey, read_key_file(key)) == before
    current(folder, read_key_file(key)).path.write_bytes(b"damaged")
    with pytest.raises(ZoneFault):
        ingest_room.ingest_lines(folder, town.declarations.survey, read_key_file(key))


def test_looking_makes_nothing_of_a_wave_that_expired_meanwhile(
    town: Town, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    show = launcher.show

    def expired_first(*arguments: Any) -> int:
        town.expire()
        return show(*arguments)

    monkeypatch.setattr(launcher, "show", expired_first)
    assert show_ingest(town.workspace, town.declarations, key=FILE) == ZoneFault.exit_code
    assert capfd.readouterr().err.count("\n") == 1
    assert not (town.root / "zone" / "testville" / "2026").exists()


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Ledgers opened from now on have a clock that is so many days ahead."""
    opened = Ledger.open

    def ahead(*arguments: Any, **options: Any) -> Ledger:
        return opened(*arguments, **options, now=lambda: datetime.now(UTC) + timedelta(days=days))

    monkeypatch.setattr(Ledger, "open", ahead)


@pytest.mark.parametrize("verb", ["close", "expire"])
def test_what_is_no_longer_due_is_kept(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """The wave was due when the command looked, and took in more while it waited."""
    town.city.declare(policy=POLICY + KEPT.replace("0", "30"))
    later(monkeypatch, 31)
    assert wave_end.waiting_for(town.workspace, town.declarations) == (None, None)
    before = town.left

    def more() -> None:
        with town.city.export.open("a") as stream:
            stream.write("\n")
        town.ingest()

    while_waiting(monkeypatch, more)
    context: Any = None
    place = {"if_due": True, "workspace": town.root, "directory": town.city.folder}
    monkeypatch.setattr(wave_ending, "workspace_of", lambda _, root: open_workspace(root))
    (wave_ending.close if verb == "close" else wave_ending.expire)(context, **place)
    assert capsys.readouterr().out.startswith("not due before ")
    assert town.kinds() == ["OPENED", "INGESTED", "INGESTED"]
    assert sorted(name for name in town.left if name.endswith(".key")) == sorted(
        name for name in before if name.endswith(".key")
    )


def test_by_hand_a_wave_is_closed_before_its_date(town: Town) -> None:
    town.city.declare(policy=POLICY + KEPT.replace("0", "30"))
    with pytest.raises(NotDueError) as kept:
        town.close(if_due=True)
    assert kept.value.due is not None and kept.value.due in kept.value.line()
    town.close()
    assert town.kinds()[-1] == EventKind.CLOSED


def test_two_invitations_never_write_the_same_file(inviting: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    while_waiting(monkeypatch, inviting.invite)
    with refused(UsageFault, "mailing_exists"):
        inviting.invite()
    mailed = (inviting.city.folder / "mailing.csv").read_text().splitlines()
    assert len(mailed) == len(inviting.city.contacts.read_text().splitlines())
    assert len(issued(inviting)) == len(mailed) - 1
    assert inviting.invite("second.csv")[0] == 0


def issued(town: Town) -> frozenset[bytes]:
    keys = town.workspace.wave_keys("testville", "2026")
    hmac = read_hmac_key(keys / "hmac.key", read_key_file(keys / "zone.key"))
    return read_issued(town.workspace.zone("testville", "2026"), hmac).codes


def test_a_mailing_folder_may_be_written_and_not_read(inviting: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever the mailing is for may keep others from listing it."""
    town, mailing = inviting, inviting.city.folder / "mailing.csv"
    town.invite("first.csv")
    town.city.contacts.write_text(town.city.contacts.read_text() + "canaryidnew,Ann,Lee,ann@example.org\n")
    keys = town.workspace.wave_keys("testville", "2026")
    hmac = read_hmac_key(keys / "hmac.key", read_key_file(keys / "zone.key"))

    def unlisted(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(invite_room, "sync_folder", unlisted)
    folder = town.workspace.zone("testville", "2026")
    assert invite_room.invite(folder, town.declarations.survey, town.city.contacts, mailing, hmac)[0] == 1
    assert mailing.exists()


@pytest.mark.parametrize("moment", ["before the name", "after the name", "at the folder"])
def test_codes_count_once_they_are_mailed(inviting: Town, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """In a workspace of its own, another command writes the same mailing file; or the disk is full after it."""
    town, mailing = inviting, inviting.city.folder / "mailing.csv"
    town.invite("first.csv")
    before = issued(town)
    town.city.contacts.write_text(town.city.contacts.read_text() + "canaryidnew,Ann,Lee,ann@example.org\n")
    keys = town.workspace.wave_keys("testville", "2026")
    hmac = read_hmac_key(keys / "hmac.key", read_key_file(keys / "zone.key"))
    survey, folder = town.declarations.survey, town.workspace.zone("testville", "2026")

    def taken(_: Path, to: Path) -> None:
        to.write_text("mine")
        raise FileExistsError

    def full(*_: object) -> None:
        raise OSError(28, "full")

    if moment == "before the name":
        monkeypatch.setattr(invite_room, "name_file", taken)
        with refused(UsageFault, "mailing_exists"):
            invite_room.invite(folder, survey, town.city.contacts, mailing, hmac)
        assert mailing.read_text() == "mine"
    else:
        monkeypatch.setattr(invite_room, "keep_issued" if moment == "after the name" else "sync_folder", full)
        with pytest.raises(OSError):
            invite_room.invite(folder, survey, town.city.contacts, mailing, hmac)
        assert not mailing.exists()
    assert issued(town) == before
    assert not list(town.city.folder.glob(".*.part"))


def test_a_file_beside_the_mailing_file_is_nobodys_to_remove(inviting: Town) -> None:
    mine = inviting.city.folder / "mailing.csv.part"
    mine.write_text("mine")
    assert inviting.invite()[0] > 0
    assert mine.read_text() == "mine"


def test_the_command_line_shows_ingests(town: Town) -> None:
    shown = hearsafe("ingest", ".", "--show", cwd=town.city.folder)
    assert (shown.returncode, shown.stderr) == (0, "")
