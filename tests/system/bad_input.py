"""A workspace that a case of bad input is arranged in, and the form of a case."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pipelines.declarations import Declarations, load_declarations
from pipelines.ledger.approvals import approve, new_officer_key
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from pipelines.workspace import Workspace, open_workspace
from tests.system.city import POLICY, SURVEY

Stage = Literal["declared", "ingested", "released"]
Arguments = Sequence[str | Path]

PLANTED = "canary"
"""Every respondent's name, address and comment in the synthetic city begins with it."""

INGEST = ("ingest", ".", "--source", "export.csv", "--contacts", "contacts.csv")
RELEASE = ("release", ".")


@dataclass(frozen=True)
class World:
    """A private copy of the city: declarations, export, contacts, and the workspace of its stage."""

    folder: Path

    @property
    def workspace(self) -> Path:
        return self.folder / "hearsafe-workspace"

    @property
    def ledger(self) -> Path:
        return self.workspace / "ledger" / "ledger.sqlite"

    @property
    def witness(self) -> Path:
        return self.workspace / "ledger" / "witness.jsonl"

    @property
    def ledger_key(self) -> Path:
        return self.workspace / "keys" / "ledger.key"

    @property
    def wave_keys(self) -> Path:
        return self.workspace / "keys" / "testville" / "2026"

    @property
    def responses(self) -> Path:
        return next((self.workspace / "zone" / "testville" / "2026").glob("responses-*.duckdb"))

    @property
    def sealed(self) -> Path:
        return self.responses.parent / "sealed"

    @property
    def release(self) -> Path:
        return next((self.workspace / "releases").glob("*/*/*"))

    def edit(self, name: str, old: str, new: str, count: int = -1) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new, count))

    def source(self, name: str, content: str | bytes) -> Arguments:
        """Write a source file. Returns: the command that would take it in."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return ("ingest", ".", "--source", name, "--contacts", "contacts.csv")

    def export_lines(self) -> list[str]:
        return (self.folder / "export.csv").read_text().splitlines()

    def column(self, old: str, new: str) -> Arguments:
        """The export with another name in its header."""
        header, *rows = self.export_lines()
        assert old in header
        return self.source("export.csv", "\n".join([header.replace(old, new), *rows]) + "\n")

    def opened(self) -> Workspace:
        return open_workspace(self.workspace)

    def declarations(self) -> Declarations:
        return load_declarations(self.folder)

    def officer(self, name: str = "officer.pem") -> str:
        return new_officer_key(self.folder / name)

    def need_approval(self, charges: int = 2) -> None:
        """A policy with one officer, whose key is officer.pem."""
        officer = self.officer()
        terms = f"approvals: {{needed: 1, officers: ['{officer}'], charges: {charges}, expires_days: 14}}\n"
        (self.folder / "policy.yaml").write_text(POLICY + terms)

    def approve(self, days_ago: int = 0) -> None:
        declarations = self.declarations()
        ledger = Ledger.open(self.opened(), now=lambda: datetime.now(UTC) - timedelta(days=days_ago))
        approve(ledger, planned(declarations), declarations.policy, self.folder / "officer.pem")

    def sql(self, *statements: str) -> None:
        """Change the ledger as somebody who holds its file can."""
        with sqlite3.connect(self.ledger) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def charges(self) -> list[Any] | None:
        """The charges that the ledger file holds; None where it cannot be read."""
        if not self.ledger.exists():
            return None
        connection = sqlite3.connect(self.ledger)
        try:
            return connection.execute("SELECT seq, body, hash FROM ledger_events WHERE kind = 'CHARGED'").fetchall()
        except sqlite3.DatabaseError:
            return None
        finally:
            connection.close()

    def refusals(self) -> list[str]:
        """The codes of the refusals on record."""
        connection = sqlite3.connect(self.ledger)
        found = connection.execute("SELECT body FROM ledger_events WHERE kind = 'REFUSED' ORDER BY seq").fetchall()
        connection.close()
        return [json.loads(body)["code"] for (body,) in found]

    def released_files(self) -> list[str]:
        return sorted(str(path) for path in (self.workspace / "releases").glob("*/*/*"))


@dataclass(frozen=True)
class Case:
    """One kind of bad input: `arrange` spoils a copy of the stage's world and returns the command to run.

    `recorded`: code of the refusal that must then be on record in the ledger.
    """

    stage: Stage
    arrange: Callable[[World], Arguments]
    recorded: str = ""


def survey_with(old: str, new: str) -> Callable[[World], Arguments]:
    """`release` of a survey.yaml with one passage replaced."""
    assert old in SURVEY

    def arrange(world: World) -> Arguments:
        world.edit("survey.yaml", old, new, 1)
        return RELEASE

    return arrange


def policy_with(old: str, new: str) -> Callable[[World], Arguments]:
    """`release` under a policy.yaml with one passage replaced."""
    assert old in POLICY

    def arrange(world: World) -> Arguments:
        world.edit("policy.yaml", old, new, 1)
        return RELEASE

    return arrange


def command(*arguments: str) -> Callable[[World], Arguments]:
    """A command in a world that nobody spoiled."""
    return lambda _world: arguments


def after(spoil: Callable[[World], object], *arguments: str) -> Callable[[World], Arguments]:
    """A command after something was done to the world."""

    def arrange(world: World) -> Arguments:
        spoil(world)
        return arguments

    return arrange


def flip(path: Path, position: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x04
    path.write_bytes(content)


def edited_release(world: World) -> Arguments:
    flip(world.release / "summary.parquet", 200)
    return ("verify", world.release)


def removed_file(world: World) -> Arguments:
    (world.release / "estimates.parquet").unlink()
    return ("verify", world.release)


def additional_file(world: World) -> Arguments:
    (world.release / "notes.txt").write_text("mine")
    return ("verify", world.release)


def foreign_file(world: World) -> Arguments:
    (world.release.parent / "counts.csv").write_text("exact")
    return RELEASE
