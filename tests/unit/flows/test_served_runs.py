"""The line that `hearsafe serve` says of a run: our own words, or the name of Prefect's state, and nothing between."""

import pytest
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows import ingest_to_report
from flows.settings import SERVED

OURS = "Flow run encountered an exception: SanitisedFailure: zone_key: the key is missing. Restore it"


class Run:
    """What the line needs of a flow run."""

    name = "riverbend 2026-11-03 06:00"


@pytest.mark.parametrize(
    ("state", "ending"),
    [
        (Completed(), "done"),
        (Failed(message=OURS), "zone_key: the key is missing. Restore it"),
        (Crashed(message="Execution was cancelled\nby canary-7f3a9c"), "crashed"),
        (Failed(message="Validation of flow parameters failed: canary-7f3a9c"), "failed"),
        (Cancelled(message=""), "cancelled"),
    ],
)
def test_the_line_of_a_run(
    state: object, ending: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SERVED, "1")
    ingest_to_report.said(ingest_to_report.ingest_to_report, Run(), state)  # type: ignore[arg-type]
    assert capsys.readouterr().out == f"{Run.name}: {ending}\n"


def test_nothing_is_said_of_a_run_that_a_command_waits_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(SERVED, raising=False)
    ingest_to_report.said(ingest_to_report.ingest_to_report, Run(), Completed())  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""
