"""What another program holds while a case of bad input runs: it is this process, until it ends."""

import fcntl
import os

import duckdb

from tests.system.bad_input import World
from tests.system.command import hearsafe

_HELD: list[object] = []


def opened_catalogue(world: World) -> None:
    """A catalogue that an analyst may write to."""
    assert hearsafe("catalog", cwd=world.folder).returncode == 0
    _HELD.append(duckdb.connect(str(world.folder / "hearsafe-catalog.duckdb")))


def running_demo(world: World) -> None:
    """The folder of a demo that has not ended."""
    (world.folder / "hearsafe-demo").mkdir()
    mark = os.open(world.folder / "hearsafe-demo" / ".hearsafe-demo", os.O_WRONLY | os.O_CREAT)
    fcntl.flock(mark, fcntl.LOCK_EX)
