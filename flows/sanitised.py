"""What Prefect may know of a failure: its code. States, logs, events and the pickled exception hold nothing else.

The fault itself, with its words for a person, stays in a variable of this process.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flows.console import unforeseen
from schemas.errors import Fault, InternalFault

P = ParamSpec("P")
Result = TypeVar("Result")

_last: list[Fault] = []


_MEANINGS = {
    2: "it was called wrongly",
    3: "survey.yaml or policy.yaml is wrong",
    4: "a source or contact file cannot be taken",
    5: "a key or the zone is missing, wrong, damaged or in use",
    6: "a cap, an approval, a freeze or another run forbids it",
    7: "ledger or release were changed, damaged or rolled back",
    70: "a fault of ours",
}
"""What each exit code means, in words of ours that know nothing of the failure."""


class SanitisedFailure(Exception):
    """A failure as Prefect sees it: the stable code of a fault and its kind, without cause, context or its words.

    Whoever opens the run reads what kind of thing went wrong and where to look; the fault's own line, which names files
    and fields, is printed by the same `hearsafe` command.
    """

    def __init__(self, code: str, exit_code: int = InternalFault.exit_code) -> None:
        super().__init__(code, exit_code)
        self.code = code
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.code}: {_MEANINGS[self.exit_code]} (exit {self.exit_code}; docs/errors.md says what to do)"


def sanitised(function: Callable[P, Result]) -> Callable[P, Result]:
    """To be put right under @flow or @task: whatever is raised leaves as a SanitisedFailure.

    It is raised outside the except block, so that it carries no context. The inner frames are gone with it.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except SanitisedFailure as inner:
            failed = inner.code, inner.exit_code
        except Fault as fault:
            failed = _keep(fault)
        except KeyboardInterrupt:
            failed = None
        except BaseException as unexpected:  # noqa: BLE001  (Prefect would store its text; a native panic is no Exception)
            failed = _keep(unforeseen(unexpected))
        if failed is None:
            raise KeyboardInterrupt
        raise SanitisedFailure(*failed)

    return run


def _keep(fault: Fault) -> tuple[str, int]:
    fault.__cause__ = fault.__context__ = None
    _last[:] = [fault.with_traceback(None)]
    return fault.code, fault.exit_code


def original(failure: SanitisedFailure) -> Fault:
    """The fault behind a failure of this process."""
    if _last and _last[-1].code == failure.code:
        return _last[-1]
    return InternalFault(failure.code, "")
