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


class SanitisedFailure(Exception):
    """A failure as Prefect sees it: the stable code of a fault, without cause, context or words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sanitised(function: Callable[P, Result]) -> Callable[P, Result]:
    """To be put right under @flow or @task: whatever is raised leaves as a SanitisedFailure.

    It is raised outside the except block, so that it carries no context. The inner frames are gone with it.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except SanitisedFailure as inner:
            code = inner.code
        except Fault as fault:
            code = _keep(fault)
        except KeyboardInterrupt:
            code = ""
        except BaseException as unexpected:  # noqa: BLE001  (Prefect would store its text; a native panic is no Exception)
            code = _keep(unforeseen(unexpected))
        if not code:
            raise KeyboardInterrupt
        raise SanitisedFailure(code)

    return run


def _keep(fault: Fault) -> str:
    fault.__cause__ = fault.__context__ = None
    _last[:] = [fault.with_traceback(None)]
    return fault.code


def original(failure: SanitisedFailure) -> Fault:
    """The fault behind a failure of this process."""
    if _last and _last[-1].code == failure.code:
        return _last[-1]
    return InternalFault(failure.code, "")
