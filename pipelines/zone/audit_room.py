"""A zone of synthetic residents for audits: real files, keys, counting and noise, in a temporary folder.

It is never a wave's zone: its keys are made here, its folder is its caller's, and no ledger knows it. What it counts is
invented, so its measurements may be looked at.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.intake.batch import SourceFile
from pipelines.zone.counting import count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.ingest_room import WaveKeys, ingest
from pipelines.zone.keys import KEY_BYTES
from pipelines.zone.packing import release_packing
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.storage import open_zone
from privacy.measure import Exact, check_charge, measure
from schemas.attributes import attributes_of
from schemas.canonical import digest
from schemas.ledger import Charge
from schemas.nets import with_nets
from schemas.plan import Plan
from schemas.survey import Survey

Tables = Mapping[str, NDArray[np.int64]]
_VANISHING = 1e-3
_MEMORY = "500MB"
_NOWHERE = "0" * 32


class AuditZone:
    """Ingests synthetic exports, each in place of the one before, and measures them as often as asked."""

    def __init__(self, folder: Path, survey: Survey, contacts: Path | None) -> None:
        self._folder = folder
        self._survey = survey
        self._contacts = contacts
        self._attributes = with_nets(survey, attributes_of(survey))
        keys = (secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))
        self._keys = WaveKeys(*keys, ledger_public="0" * 64)

    def take(self, export: Path) -> None:
        """Ingest an export in place of the one before. Raises: InputRefused."""
        files = [SourceFile(self._survey.sources[0].id, export)]
        ingest(
            self._folder, self._survey, files, self._contacts, self._keys, replace=True, memory=_MEMORY, tell=_quietly
        )

    def counted(self, plan: Plan) -> Exact[Tables]:
        """The exact tables of the plan."""
        snapshot = current_snapshot(self._folder, self._keys.zone)
        spill = self._folder / "spill"
        with open_zone({"zone": (snapshot.path, False)}, self._keys.zone, spill=spill, memory=_MEMORY) as zone:
            return count_tables(
                DuckDBEngine(zone, "zone.core_responses"), release_packing(self._survey, plan, _MEMORY), plan.measured
            )

    def measured(self, plan: Plan, exact: Exact[Tables]) -> Tables:
        """One measurement, with the plan's noise and a charge that pays for it."""
        charge = _charge_of(plan)
        attributes = {attribute.id: attribute for attribute in self._attributes}
        check_charge(plan, attributes, charge, self._survey.residents.responses_per_unit)
        return measure(plan, exact, charge).value.tables

    def without_noise(self, plan: Plan, exact: Exact[Tables]) -> Tables:
        """The measurement with noise so small that none is drawn: what the mechanism is given."""
        tables = tuple(table.model_copy(update={"scale": _VANISHING}) for table in plan.measured)
        return measure(plan.model_copy(update={"measured": tables}), exact, _charge_of(plan)).value.tables


def _quietly(_: str) -> None:
    """Nobody is told how an audit's ingest gets on."""


def _charge_of(plan: Plan) -> Charge:
    """What the plan costs. No ledger sees it."""
    return Charge(
        release_id=_NOWHERE,
        population=plan.population,
        year=plan.year,
        survey=plan.survey,
        wave=plan.wave,
        plan_digest=digest(plan),
        survey_digest=plan.survey_digest,
        policy_digest=plan.policy_digest,
        snapshot_id=_NOWHERE,
        attempt=1,
        charge_nano_rho=sum(table.charge_nano_rho for table in plan.measured),
        charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon,
        mechanism="discrete_gaussian" if plan.noise == "gaussian" else "discrete_laplace",
        measured_tables=len(plan.measured),
        delta=plan.delta,
    )
