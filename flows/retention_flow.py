"""Retention as a Prefect flow, for a schedule: a wave is closed and its zone destroyed on the policy's dates."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.key_sources import key_of
from flows.sanitised import sanitised


@task(name="end what is due", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
@sanitised
def end_what_is_due(workspace: str, directory: str, policy: str | None, key_source: str, witness: str | None) -> str:
    """Close the wave or destroy its zone, where the date has come. Returns: `kept`, `closed` or `expired`."""
    from pipelines import wave_end
    from pipelines.declarations import load_declarations
    from pipelines.workspace import open_workspace

    declarations = load_declarations(Path(directory), Path(policy) if policy else None)
    place, key = open_workspace(Path(workspace)), key_of(key_source)
    seen = Path(witness) if witness else None
    closes, expires = wave_end.waiting_for(place, declarations, witness=seen)
    try:
        if expires is None:
            wave_end.expire_wave(place, declarations, key=key, witness=seen)
            return "expired"
        if closes is None:
            wave_end.close_wave(place, declarations, key=key, if_due=True, witness=seen)
            return "closed"
    except wave_end.NotDueError as kept:
        if kept.due is None:
            raise
    return "kept"


@flow(name="retention", retries=0, persist_result=False, log_prints=False)
@sanitised
def retention(
    workspace: str,
    directory: str,
    policy: str | None = None,
    key_source: str = "file",
    witness: str | None = None,
) -> str:
    """What the policy's `retention` asks for today. May run every day: what is done is done once."""
    return end_what_is_due(workspace, directory, policy, key_source, witness)
