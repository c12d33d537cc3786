"""The crossing, in its order: plan, ready zone, charge, draw, seal, estimate, publish.

A charge is committed before anything exact is read. A crash anywhere leaves either no charge, or a charge that buys
exactly one draw: if it was sealed the next run publishes those bytes, if not the next run voids it and pays again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.code_version import code_digest
from pipelines.declarations import Declarations
from pipelines.ledger.approvals import approve_where_lacking
from pipelines.ledger.store import Ledger
from pipelines.outlet.foreign import require_registered
from pipelines.wave_end import require_zone
from pipelines.workspace import Workspace
from pipelines.zone.launcher import WaveZone, Worker, engine_token
from pipelines.zone.placed_rows import charged_grounds
from pipelines.zone.protocol import Message
from privacy.ledger_rules import Crossing, CrossingState
from schemas.canonical import digest
from schemas.errors import ZoneFault
from schemas.ledger import Charge, Event, EventKind
from schemas.plan import Plan
from schemas.policy import Policy

if TYPE_CHECKING:
    from pipelines.earlier_waves import EarlierWaves
    from privacy.measure import Measurements, Released


@dataclass(frozen=True)
class ReleaseResult:
    """Where a release is, and whether this run had to charge for it."""

    folder: Path
    release_id: str
    already_published: bool
    charged: bool
    charge_nano_rho: int
    charge_nano_pure_epsilon: int | None


def release_id_of(plan_digest: str, snapshot_id: str, attempt: int) -> str:
    """Name of a release: the same plan on the same snapshot is the same release, until an attempt is voided."""
    return digest({"plan": plan_digest, "snapshot": snapshot_id, "attempt": attempt})[:32]


def _charge_for(declarations: Declarations, plan: Plan, snapshot_id: str, attempt: int) -> Charge:
    plan_digest = digest(plan)
    return Charge(
        release_id=release_id_of(plan_digest, snapshot_id, attempt),
        population=plan.population,
        year=plan.year,
        survey=plan.survey,
        wave=plan.wave,
        plan_digest=plan_digest,
        survey_digest=declarations.survey_digest,
        policy_digest=declarations.policy_digest,
        snapshot_id=snapshot_id,
        attempt=attempt,
        charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon,
        mechanism="discrete_gaussian" if plan.noise == "gaussian" else "discrete_laplace",
        measured_tables=len(plan.measured),
        delta=plan.delta,
        code_digest=code_digest(),
        engine=plan.engine,
    )


def _order(kind: str, charged: Event) -> Message:
    return Message(kind, {"charged": charged.model_dump(mode="json")})


def _earlier(ledger: Ledger, worker: Worker, plan: Plan, crossing: Crossing) -> "Released[Measurements] | None":
    """What an earlier attempt sealed. A charge that never came to a seal is voided: its loss stays."""
    charged = ledger.event(crossing.charged_seq)
    from privacy.measure import received

    worker.ask(_order("unseal", charged))
    answer = worker.answer()
    if answer.kind == "unsealed":
        return received(bytes(answer.payload), plan)
    if crossing.state is not CrossingState.CHARGED:
        raise ZoneFault(
            "sealed_missing",
            "the sealed measurements of this release are gone",
            where=crossing.release_id,
            do="Restore the zone from your backup",
        )
    ledger.record(EventKind.VOID, {"release_id": crossing.release_id, "charge_seq": charged.seq})
    return None


def _stands(workspace: Workspace, plan: Plan, before: Sequence[Crossing]) -> bool:
    """Whether this release was published and is in place: it is returned as it is, whatever became of other waves."""
    published = bool(before) and before[-1].state is CrossingState.PUBLISHED
    return published and workspace.release(plan.survey, plan.wave, before[-1].release_id).exists()


def _compared_with(workspace: Workspace, declarations: Declarations, ledger: Ledger) -> "EarlierWaves | None":
    if not declarations.survey.trends:
        return None
    from pipelines.earlier_waves import earlier_waves
    from schemas.manifest import fingerprint

    key = fingerprint(ledger.public_key_hex)
    return earlier_waves(workspace, declarations.survey, declarations.attributes, key)


def _seal_event(ledger: Ledger, charged: Event, release_id: str, isolation: list[str]) -> Event:
    sealed = ledger.sealed_event(release_id)
    if sealed is not None:
        return sealed
    body = {"release_id": release_id, "charge_seq": charged.seq, "isolation": isolation}
    return ledger.record(EventKind.SEALED, body)


def _approve(ledger: Ledger, declarations: Declarations, plan: Plan, officer_key: Path | None) -> None:
    """The officer's key that is at hand, if one is, signs where a charge lacks an approval."""
    if officer_key is not None:
        approve_where_lacking(ledger, plan, declarations.policy, officer_key)


def _in_force(ledger: Ledger, policy: Policy) -> bool:
    standing = ledger.state().policies.get(policy.population)
    return standing is not None and standing.policy.policy_digest == digest(policy)


def _leave(ledger: Ledger, declarations: Declarations, plan: Plan, officer_key: Path | None) -> dict[str, Any]:
    """What a worker needs to reach a cluster, once this plan was charged before, or would be charged now.

    Before that neither the cluster's token nor the zone's key is with a process that has a network.

    Raises: BudgetRefused: recorded as REFUSED.
    """
    state = ledger.state()
    if all(crossing.charge.plan_digest != digest(plan) for crossing in state.crossings.values()):
        _approve(ledger, declarations, plan, officer_key)
        ledger.require_leave(_charge_for(declarations, plan, "", 1), declarations.policy)
    placed = charged_grounds(state, plan.survey, plan.wave)
    return {"engine_token": engine_token(), "charged_grounds": [grounds.as_body() for grounds in placed]}


def _asked(
    workspace: Workspace,
    declarations: Declarations,
    ledger: Ledger,
    zone: WaveZone,
    worker: Worker,
    officer_key: Path | None,
    memory: str,
    tell: Callable[[str], None],
) -> tuple[Declarations, Plan]:
    """The plan, made while the worker opens the zone, and told to it. With what an earlier release taught of groups.

    A worker that has a network gets its request with the plan, once that is one to charge.
    """
    if declarations.policy.prior.from_release is not None:
        from pipelines.prior_release import with_earlier_belief

        declarations = with_earlier_belief(declarations, workspace.root, ledger.public_key_hex)
    request = {
        "survey": declarations.survey.model_dump(mode="json", by_alias=True),
        "memory": memory,
        "ledger_key": ledger.public_key_hex,
    }
    if declarations.policy.engine is None:
        worker.request(zone, "measure", request)
    tell("planning")
    from pipelines.planning import planned  # imported while the worker gets ready, too

    plan, remote = planned(declarations), dict[str, Any]()
    if plan.engine is not None:
        remote = _leave(ledger, declarations, plan, officer_key)
        worker.request(zone, "measure", request)
    worker.ask(Message("plan", {"plan": plan.model_dump(mode="json"), **remote}))
    return declarations, plan


def _drawn(
    ledger: Ledger,
    declarations: Declarations,
    plan: Plan,
    charge: Charge,
    worker: Worker,
    tell: Callable[[str], None],
) -> "tuple[Event, Released[Measurements]]":
    """Charged, and measured for it. What publication needs is imported and compiled while the worker counts: should
    that fail, what was paid for is sealed nevertheless.
    """
    tell("charging")
    charged = ledger.charge(charge, declarations.policy)
    tell("measuring")
    worker.ask(_order("measure", charged))
    try:
        from pipelines.publication import get_ready

        get_ready()
    except Exception:
        worker.answer(tell)
        raise
    from privacy.measure import received

    return charged, received(bytes(worker.answer(tell).payload), plan)


def _to_store(ledger: Ledger, store: str, folder: Path, tell: Callable[[str], None]) -> None:
    """Under the run's lock, which holds on every host: two versions of the program never mix their files."""
    from pipelines.outlet.object_store import publish_to_store

    tell("publishing to the object store")
    publish_to_store(store, folder, ledger.public_key_hex)


def cross(
    workspace: Workspace,
    declarations: Declarations,
    zone: WaveZone,
    worker: Worker,
    *,
    officer_key: Path | None,
    witness: Path | None,
    memory: str,
    tell: Callable[[str], None],
) -> ReleaseResult:
    """The whole crossing, with a worker that was started for it and not asked yet. Raises: as `pipelines.release`."""
    survey = declarations.survey
    ledger = Ledger.open(workspace, witness=witness)
    with ledger.lock() as held:
        require_zone(ledger.state(), survey)
        require_registered(workspace.releases, lambda: {other.digest for other in ledger.state().registered.values()})
        worker.hold(held)
        declarations, plan = _asked(workspace, declarations, ledger, zone, worker, officer_key, memory, tell)
        tell("opening the zone")
        ready = worker.answer(tell)
        snapshot_id, isolation = str(ready.body["snapshot_id"]), list(ready.body["isolation"])
        before = ledger.state().crossings_of(digest(plan), snapshot_id)
        earlier = None if _stands(workspace, plan, before) else _compared_with(workspace, declarations, ledger)
        released: Released[Measurements] | None = None
        charge_new = True
        if before and before[-1].state is not CrossingState.VOID:
            tell("looking for sealed measurements")
            released = _earlier(ledger, worker, plan, before[-1])
            charge_new = released is None
        if charge_new or not _in_force(ledger, declarations.policy):
            _approve(ledger, declarations, plan, officer_key)
        if released is not None:
            charged = ledger.event(before[-1].charged_seq)
        else:
            charge = _charge_for(declarations, plan, snapshot_id, len(before) + 1)
            charged, released = _drawn(ledger, declarations, plan, charge, worker, tell)
        release_id = released.value.release_id
        tell("recording the seal")
        sealed = _seal_event(ledger, charged, release_id, isolation)
        worker.dismiss()
        folder = workspace.release(survey.survey, survey.wave.id, release_id)
        already = folder.exists()
        from pipelines.publication import publish_crossing

        publish_crossing(ledger, declarations, plan, released, charged, sealed, folder, earlier, tell)
        store = workspace.store_url
        if store is not None:
            _to_store(ledger, store, folder, tell)
        if ledger.state().crossing(release_id).state is not CrossingState.PUBLISHED:
            tell("recording the publication")
            ledger.record(EventKind.PUBLISHED, {"release_id": release_id, "charge_seq": charged.seq})
    return ReleaseResult(folder, release_id, already, charge_new, plan.charge_nano_rho, plan.charge_nano_pure_epsilon)
