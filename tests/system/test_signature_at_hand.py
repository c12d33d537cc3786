"""A flow with an officer's key signs exactly where a charge lacks an approval, whatever the ledger knows of the zone."""

from pathlib import Path

import pytest

from pipelines.ledger.approvals import new_officer_key
from pipelines.ledger.store import Ledger
from pipelines.release import release
from schemas.canonical import digest
from schemas.ledger import Event, EventKind
from tests.faults.smallville import FILE, POLICY, Smallville, build_smallville


class Town(Smallville):
    """One whose policy has an officer, and nothing approved yet."""

    @property
    def officer(self) -> Path:
        return self.folder / "officer.pem"

    def declare(self, epsilon: float = 2) -> None:
        terms = f"approvals: {{needed: 1, officers: ['{self.name}']}}\n"
        policy = POLICY.replace("spend: {epsilon: 2", f"spend: {{epsilon: {epsilon:g}")
        (self.folder / "city" / "policy.yaml").write_text(policy + terms)

    @property
    def name(self) -> str:
        return (self.folder / "officer.txt").read_text()

    def release(self, key: Path | None = None) -> bool:
        """Whether it was charged."""
        return release(self.workspace, self.declarations, key=FILE, officer_key=key or self.officer).charged

    def more(self) -> None:
        with (self.folder / "city" / "export.csv").open("a") as export:
            export.write("new@example.org,New,N,1\n")
        self.take()

    @property
    def left(self) -> list[int]:
        """Charges that are left of each approval."""
        return [approval.left for approval in self.ledger().state().approvals.values()]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    build_smallville(tmp_path / "town", approved=False)
    town = Town(tmp_path / "town")
    (town.folder / "officer.txt").write_text(new_officer_key(town.officer))
    town.declare()
    return town


def test_each_charge_is_signed_and_nothing_else(town: Town) -> None:
    assert [town.release(), town.release(), town.release(town.folder / "unplugged.pem")] == [True, False, False]
    assert town.left == [0]
    town.more()
    assert [town.release(), town.release()] == [True, False]
    assert town.left == [0, 0]


def test_a_snapshot_that_the_ledger_does_not_know_is_signed_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a run leaves it that was killed between the ingest and its record."""
    assert town.release()
    record = Ledger.record

    def unrecorded(ledger: Ledger, kind: EventKind, body: dict[str, object]) -> Event:
        return ledger.events()[-1] if kind is EventKind.INGESTED else record(ledger, kind, body)

    monkeypatch.setattr(Ledger, "record", unrecorded)
    town.more()
    assert town.release()
    assert town.left == [0, 0]


def test_a_policy_that_returns_is_in_force_again_though_its_release_is_free(town: Town) -> None:
    assert town.release()
    town.declare(epsilon=1.5)
    assert town.release()
    town.declare(epsilon=2)
    assert not town.release()
    standing = town.ledger().state().policies["adults"]
    assert standing.policy.policy_digest == digest(town.declarations.policy)
