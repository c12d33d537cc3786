"""Approval and release in Prefect, which retries nothing here: the ledger alone decides what may run again."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.console import tell
from flows.key_sources import key_of
from flows.sanitised import sanitised


@task(name="approve", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
@sanitised
def sign(workspace: str, directory: str, policy: str | None, officer_key: str, witness: str | None) -> int | None:
    """The officer's signature under the plan, where a charge for it lacks one. Returns: the seq of the approval."""
    from pipelines.declarations import load_declarations
    from pipelines.ledger.approvals import approve_where_needed
    from pipelines.ledger.store import Ledger
    from pipelines.planning import planned
    from pipelines.prior_release import with_earlier_belief
    from pipelines.workspace import open_workspace

    tell("approving the plan")
    declarations = load_declarations(Path(directory), Path(policy) if policy else None)
    ledger = Ledger.open(open_workspace(Path(workspace)), witness=Path(witness) if witness else None)
    declarations = with_earlier_belief(declarations, Path(workspace), ledger.public_key_hex)
    approved = approve_where_needed(ledger, planned(declarations), declarations.policy, Path(officer_key))
    return None if approved is None else approved.seq


@task(name="cross", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
@sanitised
def cross(workspace: str, directory: str, policy: str | None, key_source: str, witness: str | None) -> str:
    """Charge, measure once, publish. Returns: the release folder."""
    from pipelines import release as releasing
    from pipelines.declarations import load_declarations
    from pipelines.workspace import open_workspace

    declarations = load_declarations(Path(directory), Path(policy) if policy else None)
    result = releasing.release(
        open_workspace(Path(workspace)),
        declarations,
        key=key_of(key_source),
        witness=Path(witness) if witness else None,
        tell=tell,
    )
    return str(result.folder)


@flow(name="release", flow_run_name="out of the zone", retries=0, persist_result=False, log_prints=False)
@sanitised
def release(
    workspace: str,
    directory: str,
    policy: str | None = None,
    officer_key: str | None = None,
    key_source: str = "file",
    witness: str | None = None,
) -> str:
    """Approve where an officer's key is at hand, then release. Returns: the release folder."""
    if officer_key is not None:
        sign(workspace, directory, policy, officer_key, witness)
    return cross(workspace, directory, policy, key_source, witness)
