"""`hearsafe budget` on a ledger with a charge, a refusal, approvals and a witness that is behind."""

import json
from pathlib import Path

import pytest

from flows.command_line import run
from pipelines.declarations import load_declarations
from pipelines.ledger.approvals import approve, new_officer_key
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from pipelines.workspace import open_workspace
from tests.conftest import ROOT


@pytest.fixture
def approved(tmp_path: Path) -> Path:
    """A workspace whose officer has approved Riverbend's plan; nothing is charged."""
    officer = new_officer_key(tmp_path / "officer.key")
    for name in ("survey.yaml", "policy.yaml"):
        text = (ROOT / "pipelines" / "riverbend" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("ed25519:" + 64 * "0", officer), encoding="utf-8")
    declared = load_declarations(tmp_path)
    ledger = Ledger.open(open_workspace(tmp_path / "workspace"))
    approve(ledger, planned(declared), declared.policy, tmp_path / "officer.key")
    return tmp_path / "workspace"


def _budget(workspace: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert run(["budget", "--workspace", str(workspace), *more]) == 0
    return capsys.readouterr().out


def test_scopes_approvals_and_witnesses_are_said(
    approved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # no cell wraps
    shown = _budget(approved, capsys)
    assert "lifetime of riverbend-adults" in shown
    assert "of the cap" in shown
    assert " 0 %" in shown
    assert "Refused attempts: 0" in shown
    assert "2 of 2 charges left until" in shown
    assert "(expired)" not in shown
    assert "lines, the last one of event" in shown
    assert "to be added" not in shown


def test_a_witness_that_is_behind_is_said_until_the_next_run(
    approved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.budget_tables import witness_lines, witnesses_as_dicts

    witness = approved / "ledger" / "witness.jsonl"
    kept = witness.read_text().splitlines(keepends=True)
    ledger = Ledger.open(open_workspace(approved))
    witness.write_text("".join(kept[:-1]))
    (found,) = witnesses_as_dicts(ledger, open_workspace(approved), None)
    assert (found["lines"], found["missing"]) == (len(kept) - 1, 1)
    assert witness_lines(ledger, open_workspace(approved), None)[0].endswith("; 1 to be added at the next run")


def test_a_script_reads_the_same(approved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(_budget(approved, capsys, "--json"))
    assert [approval["expired"] for approval in found["approvals"]] == [False]
    assert found["witnesses"][0]["missing"] == 0
    assert found["refused"] == []


def test_an_approval_that_expired_is_marked(
    approved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    monkeypatch.setattr("pipelines.ledger.store.utc_now", lambda: datetime(2099, 1, 1, tzinfo=UTC))
    assert "(expired)" in _budget(approved, capsys)


def test_other_publications_are_said_until_for_ever(approved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(approved)]
    table = approved.parent / "table.csv"
    table.write_text("exact")
    assert run(["register", str(approved.parent), str(table), "--why", "asked for by the council", *place]) == 0
    assert "table.csv is published and not protected" in capsys.readouterr().out
    said = "Also published, not protected: table.csv (riverbend-community, wave 2026): asked for by the council"
    assert said in _budget(approved, capsys)
    (found,) = json.loads(_budget(approved, capsys, "--json", str(approved.parent)))["also_published"]
    assert (found["name"], found["population"]) == ("table.csv", "riverbend-adults")
    assert (
        run(["register", str(approved.parent), str(table), "--why", "asked for by the council", *place, "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["seq"] == found["seq"], "said twice, on record once"


def test_every_charge_has_its_line_with_date_loss_and_officer(
    approved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.code_version import code_digest
    from pipelines.crossing import release_id_of
    from schemas.canonical import digest
    from schemas.ledger import Charge

    monkeypatch.setenv("COLUMNS", "160")
    declared = load_declarations(approved.parent)
    ledger, plan = Ledger.open(open_workspace(approved)), planned(declared)
    assert "Charges" not in _budget(approved, capsys)
    charge = Charge(
        release_id=release_id_of(digest(plan), "snapshot", 1), population=plan.population, year=plan.year, survey=plan.survey,
        wave=plan.wave, plan_digest=digest(plan), survey_digest=declared.survey_digest, policy_digest=declared.policy_digest,
        snapshot_id="snapshot", attempt=1, charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon, mechanism="discrete_gaussian",
        measured_tables=len(plan.measured), delta=plan.delta, code_digest=code_digest(),
    )  # fmt: skip
    with ledger.lock():
        charged = ledger.charge(charge, declared.policy)
    officer = next(a.officer for a in ledger.state().approvals.values())
    line, *_ = [row for row in _budget(approved, capsys).splitlines() if charge.release_id[:12] in row]
    for words in (str(charged.seq), charged.time[:10], "riverbend-community", "charged", " 2 ", officer[:8]):
        assert words in line, words
    (said,) = json.loads(_budget(approved, capsys, "--json"))["charges"]
    assert (said["nano_rho"], said["officers"], said["state"]) == (plan.charge_nano_rho, [officer], "CHARGED")
    assert json.loads(_budget(approved, capsys, str(approved.parent), "--json"))["charges"] == [said]


def test_a_second_approval_says_that_there_is_one_already(approved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["approve", str(approved.parent), "--officer-key", str(approved.parent / "officer.key")]
    assert run([*arguments, "--workspace", str(approved)]) == 0
    assert (
        "this officer had approved this plan before: 2 of 2 charges are left of that until" in capsys.readouterr().out
    )
