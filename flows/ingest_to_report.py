"""The whole way: raw exports in, a published and verified release with its report out."""

import os
from pathlib import Path
from typing import Any

from prefect import Flow, State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun

from flows.console import say, tell
from flows.ingest_flow import ingest
from flows.release_flow import release
from flows.sanitised import sanitised
from flows.settings import SERVED


@task(name="verify and show", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
@sanitised
def prove(folder: str) -> str:
    """Check what was published as anybody can, and show its released figures. Returns: the report's path."""
    from flows.artifacts import announce
    from pipelines.outlet.verify import verify

    tell("verifying")
    announce(verify(Path(folder), None), Path(folder))
    return str(Path(folder) / "report.html")


def run_name() -> str:
    """A run is called by the folder of its declarations, and numbered by its time."""
    from prefect.runtime import flow_run

    started = flow_run.scheduled_start_time
    return f"{Path(str(flow_run.parameters.get('directory', ''))).name} {started:%Y-%m-%d %H:%M}"


_OURS = "Failure: "
"""Begins what a sanitised flow says of its failure. Whatever else a state says is Prefect's, and stays there."""


def said(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001  (Prefect names them)
    """A scheduled run's end in a line of `hearsafe serve`: its name, and where it failed the code and its meaning."""
    if os.environ.get(SERVED):
        _, ours, failure = (state.message or "").partition(_OURS)
        ending = "done" if state.is_completed() else failure if ours else (state.name or "ended").lower()
        say(f"{flow_run.name}: {ending}")


@flow(
    name="ingest-to-report",
    flow_run_name=run_name,
    retries=0,
    persist_result=False,
    log_prints=False,
    on_completion=[said],
    on_failure=[said],
    on_crashed=[said],
)
@sanitised
def ingest_to_report(
    workspace: str,
    directory: str,
    sources: list[str],
    policy: str | None = None,
    contacts: str | None = None,
    officer_key: str | None = None,
    key_source: str = "file",
    witness: str | None = None,
) -> str:
    """Ingest, approve, release, verify. Returns: the release folder."""
    ingest(workspace, directory, sources, policy, contacts, key_source, witness)
    folder = release(workspace, directory, policy, officer_key, key_source, witness)
    prove(folder)
    return folder
