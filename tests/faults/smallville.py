"""The smallest city that has everything: three measured tables, an officer's approval, planted strings, one zone."""

import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.declarations import Declarations, load_declarations
from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.ledger.approvals import approve, new_officer_key
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from pipelines.workspace import Workspace, open_workspace
from pipelines.zone.keys import KeySource
from schemas.errors import Fault
from schemas.ledger import EventKind
from tests.system.sweep import sweep

FILE = KeySource("file")
SURVEY = """\
survey: smallville
title: Smallville
population: adults
wave: {id: "2026", year: 2026}
expected: {responses: 60}
residents: {key: [Email], normalise: email, drop: [Name]}
sources: [{id: web, format: delimited}]
demographics:
  - {id: district, column: District, categories: {N: North, S: South}}
questions:
  - {id: quality, column: Q1, type: rating, positive: ["1"], options: {"1": Good, "2": Fair, "3": Poor}}
"""
POLICY = """\
population: adults
unit: {protects: resident}
delta: 1.0e-6
caps: {release: {epsilon: 4}, wave: {epsilon: 30}, year: {epsilon: 30}, lifetime: {epsilon: 30}}
spend: {epsilon: 2, noise: gaussian}
workload: {crosstabs: {priority: [[quality, district]], others: none}, demographics: single}
precision: {publish_margin_points: 10, min_expected_base: 40}
prior: {interaction: 3}
"""
RESIDENTS = 60


@dataclass(frozen=True)
class Smallville:
    """A folder with the declarations in `city` and the workspace in `ws`."""

    folder: Path

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.folder / "ws")

    @property
    def declarations(self) -> Declarations:
        return load_declarations(self.folder / "city")

    @property
    def zone(self) -> Path:
        return self.folder / "ws" / "zone" / "smallville" / "2026"

    @property
    def keys(self) -> Path:
        return self.folder / "ws" / "keys" / "smallville" / "2026"

    @property
    def needles(self) -> list[str]:
        return (self.folder / "city" / "needles.txt").read_text().split()

    def ledger(self, witness: Path | None = None) -> Ledger:
        return Ledger.open(self.workspace, witness=witness)

    def releases(self) -> list[Path]:
        """Release folders that a reader sees."""
        return [p for p in (self.folder / "ws" / "releases").glob("*/*/*") if not p.name.startswith(".")]

    def copy(self, folder: Path) -> "Smallville":
        shutil.copytree(self.folder, folder)
        return Smallville(folder)

    def take(self, files: Sequence[Path] | None = None, *, replace: bool = False) -> str:
        sources = [SourceFile("web", path) for path in files or [self.folder / "city" / "export.csv"]]
        return ingest(self.workspace, self.declarations, sources, contacts=None, key=FILE, replace=replace)


def build_smallville(folder: Path, *, approved: bool = True, ingested: bool = True) -> Smallville:
    """Declare, ingest, and have an officer approve a thousand charges of the plan."""
    city = folder / "city"
    city.mkdir(parents=True)
    needles = [f"canary{kind}{secrets.token_hex(10)}" for kind in ("mail", "name") for _ in range(RESIDENTS)]
    rows = [f"{needles[i]}@example.org,{needles[RESIDENTS + i]},{'NS'[i % 2]},{i % 3 + 1}\n" for i in range(RESIDENTS)]
    (city / "export.csv").write_text("Email,Name,District,Q1\n" + "".join(rows))
    (city / "needles.txt").write_text("\n".join(needles[:: RESIDENTS // 3]))
    (city / "survey.yaml").write_text(SURVEY)
    terms = ""
    if approved:
        officer = new_officer_key(folder / "officer.pem")
        terms = f"approvals: {{needed: 1, officers: ['{officer}'], charges: 1000}}\n"
    (city / "policy.yaml").write_text(POLICY + terms)
    small = Smallville(folder)
    if ingested:
        small.take()
    if approved:
        declarations = small.declarations
        approve(small.ledger(), planned(declarations), declarations.policy, folder / "officer.pem")
    return small


def charges(city: Smallville) -> list[int]:
    """Numbers of the CHARGED events."""
    return [event.seq for event in city.ledger().events() if event.kind is EventKind.CHARGED]


def hits_of(city: Smallville) -> tuple[int, int]:
    """Planted strings found outside the zone, and how many were looked for, place by place."""
    places = [city.folder / "ws" / name for name in ("ledger", "releases", "keys")]
    return len(sweep(places, city.needles)), len(city.needles) * len(places)


def succeeds(action: Callable[[], object]) -> bool:
    """Whether it came to an end without a fault."""
    try:
        action()
    except Fault:
        return False
    return True
