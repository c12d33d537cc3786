"""Key sources as the command line and the flows name them, `prefect:BLOCK` among them."""

from typing import TYPE_CHECKING, cast

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

    Raises: ZoneFault: no server answers.
    """
    from prefect.blocks.system import Secret
    from prefect.exceptions import PrefectException

    try:
        block = cast("Secret[str]", Secret.load(name))  # a coroutine only where a loop runs, and none does here
        return str(block.get())
    except ValueError:
        return None
    except (PrefectException, OSError, RuntimeError):
        unreachable = True
    raise ZoneFault(
        "key_server",
        "the Prefect server that keeps the zone key does not answer",
        where=f"prefect:{name}" if unreachable else "",
        do="Check PREFECT_API_URL, or name another --key-source",
    )
