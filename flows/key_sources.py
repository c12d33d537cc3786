"""Key sources as the command line and the flows name them, `prefect:BLOCK` among them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flows.settings import prepare_prefect
from schemas.errors import ZoneFault

if TYPE_CHECKING:
    from pipelines.zone.keys import KeySource


def key_of(text: str) -> "KeySource":
    """The key source of a text; a Prefect block is loaded only when the key is needed. Raises: UsageFault."""
    from pipelines.zone.keys import RESOLVERS, KeySource

    RESOLVERS["prefect"] = _secret_block
    return KeySource.parse(text)


def _secret_block(name: str) -> str | None:
    """The text in a Secret block of the Prefect server in use; None where there is no such block.

    Raises: ZoneFault: no server answers, or none is named: a block is never looked for in a user's own Prefect.
    """
    if not (os.environ.get("PREFECT_API_URL") or os.environ.get("PREFECT_HOME")):
        raise _no_server(name)
    prepare_prefect(Path(os.environ.get("PREFECT_HOME", "")))
    from prefect.blocks.system import Secret
    from prefect.exceptions import PrefectException

    try:
        block = cast("Secret[str]", Secret.load(name))  # a coroutine only where a loop runs, and none does here
        return str(block.get())
    except ValueError:
        return None
    except (PrefectException, OSError, RuntimeError):
        unreachable = _no_server(name)
    raise unreachable


def _no_server(name: str) -> ZoneFault:
    what = "the Prefect server that keeps the zone key does not answer"
    do = "Check PREFECT_API_URL, or name another --key-source"
    return ZoneFault("key_server", what, where=f"prefect:{name}", do=do)
