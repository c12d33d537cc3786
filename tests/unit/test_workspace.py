import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import workspace as workspace_module
from pipelines.durable import write_private
from pipelines.workspace import Workspace, open_workspace
from schemas.errors import UsageFault

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
