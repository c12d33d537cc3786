"""Ingest as a Prefect flow. Parameters are paths and names of places, never values; the result is the snapshot's id."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.console import tell
from flows.key_sources import key_of
from flows.sanitised import sanitised


@task(name="take in", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
@sanitised
def take_in(
    workspace: str,
    directory: str,
    policy: str | None,
    sources: list[str],
    contacts: str | None,
    key_source: str,
    witness: str | None,
) -> str:
    """Raw exports into the zone. `sources` are `id=path`."""
    from pipelines.declarations import load_declarations
    from pipelines.ingest import ingest as take
    from pipelines.intake.batch import SourceFile
    from pipelines.workspace import open_workspace

    declarations = load_declarations(Path(directory), Path(policy) if policy else None)
    files = [SourceFile(name, Path(path)) for name, _, path in (source.partition("=") for source in sources)]
    return take(
        open_workspace(Path(workspace)),
        declarations,
        files,
        contacts=Path(contacts) if contacts else None,
        key=key_of(key_source),
        witness=Path(witness) if witness else None,
        tell=tell,
    )


@flow(name="ingest", flow_run_name="into the zone", retries=0, persist_result=False, log_prints=False)
@sanitised
def ingest(
    workspace: str,
    directory: str,
    sources: list[str],
    policy: str | None = None,
    contacts: str | None = None,
    key_source: str = "file",
    witness: str | None = None,
) -> str:
    """Take raw exports into the wave's zone. Returns: the snapshot id."""
    return take_in(workspace, directory, policy, sources, contacts, key_source, witness)
