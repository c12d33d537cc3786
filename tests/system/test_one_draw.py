"""A charge buys one draw: what is sealed is never drawn again, whoever asks the worker."""

import shutil
from pathlib import Path

import pytest

from pipelines import publication
from pipelines.declarations import load_declarations
from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from pipelines.release import release
from pipelines.workspace import open_workspace
from pipelines.zone.keys import KeySource
from pipelines.zone.launcher import WaveZone, working
from pipelines.zone.protocol import Message
from schemas.canonical import digest
from schemas.errors import IntegrityFault, ZoneFault
from schemas.ledger import EventKind
from tests.system.city import build_city


def test_a_sealed_charge_draws_no_more_without_its_marker(tmp_path: Path) -> None:
    city, workspace, key = build_city(tmp_path / "city", 60), open_workspace(tmp_path / "ws"), KeySource("file")
    declarations = load_declarations(city.folder)
    ingest(workspace, declarations, [SourceFile("web", city.export)], contacts=city.contacts, key=key)
    first = release(workspace, declarations, key=key)
    published = (first.folder / "measurements.parquet").read_bytes()

    ledger = Ledger.open(workspace)
    charged = ledger.event(ledger.state().crossing(first.release_id).charged_seq)
    zone = WaveZone.of(workspace, declarations.survey, key)
    [marker] = (zone.folder / "sealed").glob("*.drawing")
    marker.unlink()
    body = {
        "survey": declarations.survey.model_dump(mode="json", by_alias=True),
        "memory": "500MB",
        "ledger_key": ledger.public_key_hex,
    }
    plan = Message("plan", {"plan": planned(declarations).model_dump(mode="json")})
    with working(zone, "measure", body) as worker:
        worker.ask(plan)
        worker.answer()
        worker.ask(Message("measure", {"charged": charged.model_dump(mode="json")}))
        with pytest.raises(IntegrityFault) as caught:
            worker.answer()
    assert caught.value.code == "already_drawn"

    again = release(workspace, declarations, key=key)
    assert not again.charged
    assert (again.folder / "measurements.parquet").read_bytes() == published


def test_a_charge_that_the_zones_ledger_did_not_sign_draws_nothing(tmp_path: Path) -> None:
    city, workspace, key = build_city(tmp_path / "city", 60), open_workspace(tmp_path / "ws"), KeySource("file")
    declarations = load_declarations(city.folder)
    ingest(workspace, declarations, [SourceFile("web", city.export)], contacts=city.contacts, key=key)
    first = release(workspace, declarations, key=key)
    ledger = Ledger.open(workspace)
    charged = ledger.event(ledger.state().crossing(first.release_id).charged_seq)
    stranger = Ledger.open(open_workspace(tmp_path / "other"))
    forged = charged.model_dump(mode="json") | {"seq": 999}
    rehashed = forged | {"hash": digest({k: v for k, v in forged.items() if k not in ("hash", "signature")})}
    signed_elsewhere = rehashed | {"signature": stranger.sign(bytes.fromhex(rehashed["hash"]))}
    zone = WaveZone.of(workspace, declarations.survey, key)
    body = {
        "survey": declarations.survey.model_dump(mode="json", by_alias=True),
        "memory": "500MB",
        "ledger_key": ledger.public_key_hex,
    }
    plan = Message("plan", {"plan": planned(declarations).model_dump(mode="json")})
    for event in (forged, rehashed, signed_elsewhere):
        with working(zone, "measure", body) as worker:
            worker.ask(plan)
            worker.answer()
            worker.ask(Message("measure", {"charged": event}))
            with pytest.raises(ZoneFault) as caught:
                worker.answer()
        assert caught.value.code == "zone_of_another_ledger"
    assert len(list((zone.folder / "sealed").glob("*"))) == 2, "one marker and one seal, of the one true charge"


def test_what_was_paid_for_is_sealed_though_nothing_can_be_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken installation, found after the charge, does not pay again at every run."""
    city, workspace, key = build_city(tmp_path / "city", 60), open_workspace(tmp_path / "ws"), KeySource("file")
    declarations = load_declarations(city.folder)
    ingest(workspace, declarations, [SourceFile("web", city.export)], contacts=city.contacts, key=key)

    def broken() -> None:
        raise ModuleNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr(publication, "get_ready", broken)
        with pytest.raises(ModuleNotFoundError):
            release(workspace, declarations, key=key)
    again = release(workspace, declarations, key=key)
    assert not again.charged
    kinds = [event.kind for event in Ledger.open(workspace).events()]
    assert (kinds.count(EventKind.CHARGED), kinds.count(EventKind.VOID)) == (1, 0)


def test_a_new_ledger_does_not_open_an_old_zone(tmp_path: Path) -> None:
    """Whoever throws the ledger away to start with nothing spent finds that the zone knows its ledger."""
    city, workspace, key = build_city(tmp_path / "city", 60), open_workspace(tmp_path / "ws"), KeySource("file")
    declarations = load_declarations(city.folder)
    ingest(workspace, declarations, [SourceFile("web", city.export)], contacts=city.contacts, key=key)
    release(workspace, declarations, key=key)
    for place in (workspace.ledger, workspace.releases):
        shutil.rmtree(place)
    (workspace.keys / "ledger.key").unlink()
    again = open_workspace(tmp_path / "ws")
    with pytest.raises(ZoneFault, match="another ledger"):
        release(again, declarations, key=key)
    with pytest.raises(ZoneFault, match="another ledger"):
        ingest(again, declarations, [SourceFile("web", city.export)], contacts=city.contacts, key=key)
