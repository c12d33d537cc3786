import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines import workspace as workspace_module
from pipelines.durable import write_private
from pipelines.ledger.store import Ledger
from pipelines.workspace import Workspace, has_traces_of_ledger, open_workspace
from schemas.errors import BudgetRefused, UsageFault, ZoneFault

HERE, ELSEWHERE = "s3://city/releases", "s3://other/releases"
KEEP: dict[str, Callable[[Workspace, str], None]] = {
    "store": Workspace.keep_store_at,
    "ledger": Workspace.keep_ledger_at,
}
kept = pytest.mark.parametrize("what", KEEP)


def read(workspace: Workspace, what: str) -> str | None:
    return workspace.store_url if what == "store" else workspace.ledger_url


def while_another_keeps(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    def second(path: Path, content: bytes) -> None:
        write_private(path, f"{url}\n".encode())
        write_private(path, content)

    monkeypatch.setattr(workspace_module, "write_private", second)


@kept
def test_an_address_is_kept_once(tmp_path: Path, what: str) -> None:
    workspace = open_workspace(tmp_path)
    KEEP[what](workspace, HERE)
    KEEP[what](workspace, HERE)
    assert read(workspace, what) == HERE
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == f"{what}_elsewhere"):
        KEEP[what](workspace, ELSEWHERE)
    assert read(workspace, what) == HERE


@kept
def test_two_may_keep_the_same_address_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    workspace = open_workspace(tmp_path)
    while_another_keeps(monkeypatch, HERE)
    KEEP[what](workspace, HERE)
    assert read(workspace, what) == HERE


@kept
def test_of_two_addresses_at_the_same_moment_the_second_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    workspace = open_workspace(tmp_path)
    while_another_keeps(monkeypatch, ELSEWHERE)
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == f"{what}_elsewhere"):
        KEEP[what](workspace, HERE)
    assert read(workspace, what) == ELSEWHERE


@kept
def test_an_address_that_cannot_be_written_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    workspace = open_workspace(tmp_path)

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(workspace_module, "write_private", full)
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == "address_unwritable"):
        KEEP[what](workspace, HERE)
    assert read(workspace, what) is None


NOWHERE = "postgresql://hearsafe@127.0.0.1:9/ledger"


def while_founding(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Let another command act once, just before this one decides where the ledger is."""
    founding = Workspace.founding

    @contextmanager
    def found(workspace: Workspace) -> Iterator[None]:
        monkeypatch.setattr(Workspace, "founding", founding)
        other()
        with founding(workspace):
            yield

    monkeypatch.setattr(Workspace, "founding", found)


def test_a_ledger_is_founded_where_another_command_just_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(tmp_path)
    while_founding(monkeypatch, lambda: workspace.keep_ledger_at(NOWHERE))
    with pytest.RaisesExc(ZoneFault, check=lambda fault: fault.code == "ledger_unwritable"):
        Ledger.open(workspace)
    assert workspace.ledger_url == NOWHERE
    assert not list(workspace.keys.iterdir())


def test_an_address_is_refused_where_another_command_just_founded_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = open_workspace(tmp_path)
    while_founding(monkeypatch, lambda: Ledger.open(workspace))
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == "ledger_elsewhere"):
        workspace.keep_ledger_at(NOWHERE)
    assert len(Ledger.open(workspace).events()) == 1


def test_an_address_is_refused_where_a_crash_came_before_the_key_of_a_ledger_was_named(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    Ledger.open(workspace)
    key = workspace.keys / "ledger.key"
    key.rename(key.with_name("ledger.key.new"))
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == "ledger_elsewhere"):
        workspace.keep_ledger_at(NOWHERE)
    assert len(Ledger.open(workspace).events()) == 1


def test_one_process_at_a_time_decides_where_the_ledger_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(tmp_path)
    monkeypatch.setattr(workspace_module, "_FOUNDING_SECONDS", 0.1)
    busy = pytest.RaisesExc(BudgetRefused, check=lambda fault: fault.code == "run_in_progress")
    with workspace.founding():
        with busy:
            workspace.keep_ledger_at(NOWHERE)
        with busy:
            Ledger.open(workspace)
    assert workspace.ledger_url is None


@pytest.mark.parametrize("verb", ["keep", "open"])
def test_a_folder_that_cannot_be_locked_is_said_in_a_line(tmp_path: Path, verb: str) -> None:
    """A folder in the lock's place is what a read-only disk is, for those who may write anywhere."""
    workspace = open_workspace(tmp_path)
    (workspace.ledger / "founding.lock").mkdir()
    with pytest.RaisesExc(ZoneFault, check=lambda fault: fault.code == "ledger_unwritable"):
        workspace.keep_ledger_at(NOWHERE) if verb == "keep" else Ledger.open(workspace)


def test_a_lock_is_no_trace_of_a_ledger(tmp_path: Path) -> None:
    """Else a look at a budget would found one here, after a failed try to have it on a server."""
    workspace = open_workspace(tmp_path)
    with workspace.founding():
        assert not has_traces_of_ledger(tmp_path)
    Ledger.open(workspace)
    assert has_traces_of_ledger(tmp_path)
