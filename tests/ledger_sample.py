"""Small policies, plans and charges, a clock to turn, and a ledger in a folder, for the ledger's tests."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.code_version import code_digest
from pipelines.ledger.approvals import new_officer_key
from pipelines.ledger.store import Ledger
from pipelines.workspace import Workspace, open_workspace
from schemas.canonical import digest
from schemas.ledger import Charge, EventKind
from schemas.plan import Plan
from schemas.policy import Policy

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SURVEY_DIGEST = digest(b"survey")
RHO = {"release": 0.5, "wave": 1.0, "year": 2.0, "lifetime": 4.0}


def a_policy(
    *,
    population: str = "adults",
    caps: dict[str, Any] | None = None,
    needed: int = 0,
    officers: tuple[str, ...] = (),
    charges: int = 1,
    expires_days: int = 14,
    delta: float = 1e-6,
    margin: float = 10,
    author: str | None = None,
) -> Policy:
    """A policy; `margin` only serves to make another one with another digest. `author`: who may not approve it."""
    by = {"author": author, "author_excluded": True} if author else {}
    return Policy.model_validate(
        {
            "population": population,
            "unit": {"protects": "resident"},
            "delta": delta,
            "caps": caps or {level: {"rho": rho} for level, rho in RHO.items()},
            "spend": {"rho": 0.1, "noise": "gaussian"},
            "precision": {"publish_margin_points": margin, "min_expected_base": 40},
            "prior": {"interaction": 3},
            "approvals": {
                "needed": needed,
                "officers": officers,
                "charges": charges,
                "expires_days": expires_days,
                **by,
            },
        }
    )


def a_plan(policy: Policy, *, name: str = "plan", nano_rho: int = 100_000_000) -> Plan:
    """A plan that measures nothing; `name` makes its digest."""
    return Plan.model_validate(
        {
            "survey": "community",
            "wave": "2026",
            "year": 2026,
            "population": policy.population,
            "unit": "resident",
            "shared_keys": False,
            "delta": policy.delta,
            "noise": "gaussian",
            "noise_reason": name,
            "spend_nano_rho": nano_rho,
            "charge_nano_rho": nano_rho,
            "charge_nano_pure_epsilon": None,
            "epsilon": None,
            "interaction": 3.0,
            "measured": (),
            "published": (),
            "survey_digest": SURVEY_DIGEST,
            "policy_digest": digest(policy),
        }
    )


def a_charge(policy: Policy, number: int = 1, *, rho: float = 0.1, pure: float | None = None, **changes: Any) -> Charge:
    """The charge of release `number`: Gaussian, or Laplace where `pure` ε is given."""
    fields: dict[str, Any] = {
        "release_id": f"r{number}",
        "population": policy.population,
        "year": 2026,
        "survey": "community",
        "wave": "2026",
        "plan_digest": digest(a_plan(policy)),
        "survey_digest": SURVEY_DIGEST,
        "policy_digest": digest(policy),
        "snapshot_id": f"snapshot-{number}",
        "attempt": 1,
        "charge_nano_rho": round(rho * 1e9),
        "charge_nano_pure_epsilon": None if pure is None else round(pure * 1e9),
        "mechanism": "discrete_gaussian" if pure is None else "discrete_laplace",
        "measured_tables": 3,
        "delta": policy.delta,
        "code_digest": code_digest(),
    }
    return Charge.model_validate(fields | changes)


@dataclass
class Clock:
    """A clock that tests turn, forward and back."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class World:
    """A workspace and its clock."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    url: str | None = None
    """Of the database that holds the ledger, where it is not the workspace's file."""

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.root)

    @property
    def file(self) -> Path:
        return self.root / "ledger" / "ledger.sqlite"

    @property
    def witness(self) -> Path:
        return self.root / "ledger" / "witness.jsonl"

    def open(self, **options: Any) -> Ledger:
        return Ledger.open(self.workspace, now=self.clock, **({"database_url": self.url} | options))

    def officer(self, name: str) -> tuple[Path, str]:
        """A new officer: the key file, and the name for policy.yaml."""
        path = self.root.parent / f"{name}.pem"
        return path, new_officer_key(path)

    def sql(self, *statements: str) -> None:
        """Change the file behind the ledger's back."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)


DISARM = (
    "DROP TRIGGER ledger_no_update",
    "DROP TRIGGER ledger_no_delete",
    "DROP TRIGGER ledger_no_replace",
    "DROP INDEX ledger_one_charge",
)
"""What somebody does first who wants to change an event."""


def cross(ledger: Ledger, charge: Charge, policy: Policy, *, publish: bool = True) -> None:
    """Charge and seal a release, and publish it."""
    charged = ledger.charge(charge, policy)
    body = {"release_id": charge.release_id, "charge_seq": charged.seq}
    ledger.record(EventKind.SEALED, body | {"isolation": ["separate process"]})
    if publish:
        ledger.record(EventKind.PUBLISHED, body)
