"""What else was published is on record: signed, for good, on later cards, and readable beside ledgers of before."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.declarations import load_declarations
from pipelines.ledger.chain import Row, verified
from pipelines.ledger.store import Ledger
from pipelines.ledger.witness import card_heads
from pipelines.outlet.card_page import render_card
from pipelines.outlet.foreign import foreign_files, require_registered
from pipelines.outlet.registry import registry_yaml
from pipelines.outlet.verify import verify
from pipelines.registering import register
from pipelines.release import release
from privacy.ledger_rules import CrossingState, fold
from schemas.errors import Fault, InputRefused, IntegrityFault, UsageFault
from schemas.ledger import EventKind
from schemas.manifest import RELEASED_FILES
from tests.faults.smallville import FILE, build_smallville, charges
from tests.ledger_sample import DISARM, World, a_charge, a_policy, cross

STORED = Path(__file__).with_name("stored") / "events_before_registered.json"
DIGEST = hashlib.sha256(b"exact").hexdigest()
SAID = {"population": "adults", "survey": "community", "wave": "2026", "name": "raw.csv", "why": "for the council"}


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


def test_a_publication_is_recorded_once_and_stays(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    first = ledger.record(EventKind.REGISTERED, SAID)
    assert ledger.record(EventKind.REGISTERED, SAID) == first
    second = ledger.record(EventKind.REGISTERED, SAID | {"digest": "a" * 64})
    assert second.seq == first.seq + 1
    cross(ledger, a_charge(policy), policy)
    again = world.open().state()
    assert [other.name for other in again.registered.values()] == ["raw.csv", "raw.csv"]
    assert again.crossing("r1").state is CrossingState.PUBLISHED
    seen = [json.loads(line)["seq"] for line in world.witness.read_text().splitlines()]
    assert {first.seq, second.seq} <= set(seen), "a witness would miss it"


def test_a_registration_cannot_be_taken_out(world: World) -> None:
    ledger = world.open()
    event = ledger.record(EventKind.REGISTERED, SAID)
    world.sql(*DISARM, f"DELETE FROM ledger_events WHERE seq = {event.seq}")
    with refused(IntegrityFault, "ledger_behind"):
        world.open()


@pytest.mark.parametrize("change", [{"why": ""}, {"why": "a\nb"}, {"name": "x" * 201}, {"name": "\u202etxt.csv"}])
def test_a_registration_is_a_line_for_everybody(world: World, change: dict[str, str]) -> None:
    with pytest.raises(Fault):
        world.open().record(EventKind.REGISTERED, SAID | change)


def test_a_ledger_of_before_there_was_registering_reads_as_it_did() -> None:
    """Events as an earlier version signed them, of a release that was approved, charged, sealed and published."""
    stored = json.loads(STORED.read_text())
    events = verified([Row(*row) for row in stored["rows"]], None, stored["public_key"])
    state = fold(events)
    assert events[-1].hash == stored["head"]
    assert [crossing.state for crossing in state.crossings.values()] == [CrossingState.PUBLISHED]
    assert not state.registered
    assert EventKind.REGISTERED not in {event.kind for event in events}


def test_registering_names_a_file_or_a_publication(tmp_path: Path) -> None:
    city = build_smallville(tmp_path / "city", approved=False, ingested=False)
    ledger, declarations = Ledger.open(city.workspace), load_declarations(city.folder / "city")
    table = tmp_path / "table.pdf"
    table.write_bytes(b"exact")
    by_file = register(ledger, declarations, why="minutes", name=None, file=table)
    assert by_file.body["name"] == "table.pdf"
    assert by_file.body["digest"] == DIGEST
    by_name = register(ledger, declarations, why="said in council", name="speech", file=None)
    assert "digest" not in by_name.body
    with refused(UsageFault, "register_what"):
        register(ledger, declarations, why="nothing", name=None, file=None)
    with refused(UsageFault, "register_text"):
        register(ledger, declarations, why=" ", name="speech", file=None)
    with refused(InputRefused, "source_unreadable"):
        register(ledger, declarations, why="a folder", name=None, file=tmp_path)


def a_release(releases: Path, name: str = "0" * 32) -> Path:
    folder = releases / "community" / "2026" / name
    folder.mkdir(parents=True)
    for file in (*RELEASED_FILES, "MANIFEST.json"):
        (folder / file).write_bytes(b"")
    return folder


def test_releases_and_what_a_killed_run_left_are_not_foreign(tmp_path: Path) -> None:
    a_release(tmp_path)
    a_release(tmp_path, f".{'1' * 32}.x8_k2")
    assert foreign_files(tmp_path) == []


@pytest.mark.parametrize(
    "place",
    [
        "raw.csv", ".hidden", "community/raw.csv", "community/2026/raw.csv", f"community/2026/{'0' * 32}/raw.csv",
        "community/2026/not-a-release/card.json", "community/2026/.old/raw.csv", f"community/2026/{'2' * 32}/a/b",
        f"community/2026/.{'1' * 32}.x8_k2/raw.csv",
    ],
)  # fmt: skip
def test_anything_else_is_foreign_until_it_is_registered(tmp_path: Path, place: str) -> None:
    releases = tmp_path / "releases"
    a_release(releases)
    (releases / place).parent.mkdir(parents=True, exist_ok=True)
    (releases / place).write_bytes(b"exact")
    with refused(IntegrityFault, "file_unregistered"):
        require_registered(releases, lambda: {None, "0" * 64})
    if not place.endswith("a/b"):  # a folder within a release can only be moved
        require_registered(releases, lambda: {DIGEST})
        (releases / place).write_bytes(b"exacter")
    with refused(IntegrityFault, "file_unregistered"):
        require_registered(releases, lambda: {DIGEST})


def test_links_among_releases_are_foreign(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    folder = a_release(releases)
    (tmp_path / "table").write_bytes(b"exact")
    (folder / "card.json").unlink()
    (folder / "card.json").symlink_to(tmp_path / "table")
    (releases / "community" / "2026" / ("1" * 32)).symlink_to(folder)
    assert foreign_files(releases) == [folder / "card.json", releases / "community" / "2026" / ("1" * 32)]
    with refused(IntegrityFault, "file_unregistered"):
        require_registered(releases, lambda: {DIGEST})


def test_a_release_that_is_being_named_is_neither_foreign_nor_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = a_release(tmp_path, f".{'1' * 32}.x8_k2")
    (unfinished / "card.json").write_text("{}")
    after_listing(monkeypatch, unfinished.parent, lambda: unfinished.rename(unfinished.with_name("1" * 32)))
    assert foreign_files(tmp_path) == []
    (unfinished.with_name("1" * 32)).rename(unfinished)
    after_listing(monkeypatch, unfinished.parent, lambda: unfinished.rename(unfinished.with_name("1" * 32)))
    assert card_heads(tmp_path) == []
    assert not unfinished.exists()


def test_what_was_registered_or_moved_away_meanwhile_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases, known = tmp_path / "releases", set[str]()
    a_release(releases)
    speech = releases / "speech.txt"
    speech.write_bytes(b"exact")
    after_listing(monkeypatch, releases, lambda: known.add(DIGEST))
    require_registered(releases, lambda: known)
    after_listing(monkeypatch, releases, speech.unlink)
    require_registered(releases, set)


def after_listing(monkeypatch: pytest.MonkeyPatch, folder: Path, act: Callable[[], object]) -> None:
    """Let somebody act once between the listing of a folder and what is done with it."""
    scandir = os.scandir

    class Listing(list[os.DirEntry[str]]):
        def __enter__(self) -> "Listing":
            return self

        def __exit__(self, *_: object) -> None: ...

        def __next__(self) -> os.DirEntry[str]:
            if not self:
                raise StopIteration
            return self.pop(0)

        close = __exit__

    def listed(path: str | Path) -> Listing:
        with scandir(path) as found:
            listing = Listing(found)
        if Path(path) == folder:
            monkeypatch.setattr(os, "scandir", scandir)
            act()
        return listing

    monkeypatch.setattr(os, "scandir", listed)


def test_a_foreign_file_stops_a_release_before_it_costs_anything(tmp_path: Path) -> None:
    city = build_smallville(tmp_path / "city", approved=False)
    ledger, declarations = city.ledger(), city.declarations
    foreign = city.workspace.releases / "smallville" / "2026" / "counts.csv"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"exact")
    with refused(IntegrityFault, "file_unregistered"):
        release(city.workspace, declarations, key=FILE)
    assert not charges(city)
    register(ledger, declarations, why="asked for by the council", name=None, file=foreign)
    register(ledger, declarations, why="held in June", name="speech", file=None)
    ledger.record(EventKind.REGISTERED, SAID | {"population": "others"})
    made = release(city.workspace, declarations, key=FILE)
    card = verify(made.folder).card
    assert [(other.name, other.wave) for other in card.expert.also_published] == [
        ("counts.csv", "2026"),
        ("speech", "2026"),
    ]
    told = "Also published from residents' answers, not protected: counts.csv (asked for by the council); speech (held"
    assert any(limit.startswith(told) for limit in card.resident.not_protected)
    assert sum("published without protection" in said for said in card.expert.dp_flavor.unprotected_quantities) == 2
    assert DIGEST not in (made.folder / "card.json").read_text()
    for page in ((made.folder / "report.html").read_text(), render_card(card), registry_yaml(card)):
        assert page.count("asked for by the council") >= 1
    report = (made.folder / "report.html").read_text()
    assert report.count("asked for by the council") == 2, "in the residents' list and in the experts'"
    ledger.record(EventKind.REGISTERED, SAID | {"name": "later"})
    foreign.unlink()
    assert release(city.workspace, declarations, key=FILE).already_published, "what is public keeps its card"
