"""The release in Prefect, which retries nothing here: the ledger alone decides what may run again."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.console import tell
from flows.key_sources import key_of
from flows.sanitised import sanitised


@task(name="cross", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
@sanitised
def cross(
    workspace: str, directory: str, policy: str | None, officer_key: str | None, key_source: str, witness: str | None
) -> str:
    """Approve where a charge lacks an approval and an officer's key is at hand; charge, measure once, publish.

    Returns: the release folder.
    """
    from pipelines import release as releasing
    from pipelines.declarations import load_declarations
    from pipelines.workspace import open_workspace

    declarations = load_declarations(Path(directory), Path(policy) if policy else None)
    result = releasing.release(
        open_workspace(Path(workspace)),
        declarations,
        key=key_of(key_source),
        officer_key=Path(officer_key) if officer_key else None,
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
    """Approve where an officer's key is at hand and needed, and release. Returns: the release folder."""
    return cross(workspace, directory, policy, officer_key, key_source, witness)
