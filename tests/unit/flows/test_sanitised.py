import pickle
import traceback

import pytest

from flows.sanitised import SanitisedFailure, original, sanitised
from schemas.errors import BudgetRefused, InternalFault

CANARY = "canary-7f3a9c"


def caught_from(exception: BaseException) -> SanitisedFailure:
    @sanitised
    def task(value: str) -> None:
        try:
            raise RuntimeError(value)
        except RuntimeError:
            raise exception  # noqa: B904  (the context is what must not get out)

    with pytest.raises(SanitisedFailure) as caught:
        task(CANARY)
    return caught.value


@pytest.mark.parametrize(
    "exception", [ValueError(CANARY), BudgetRefused("cap_exceeded", CANARY), BaseException(CANARY)]
)
def test_a_failure_carries_its_code_only(exception: BaseException) -> None:
    failure = caught_from(exception)
    assert failure.__cause__ is None
    assert failure.__context__ is None
    assert CANARY not in repr(failure)
    assert CANARY.encode() not in pickle.dumps(failure)
    assert CANARY not in "".join(traceback.format_exception(failure))


def test_the_fault_is_found_again_in_this_process() -> None:
    failure = caught_from(BudgetRefused("cap_exceeded", "the cap is spent"))
    fault = original(failure)
    assert isinstance(fault, BudgetRefused)
    assert str(fault) == "the cap is spent"
    assert fault.__traceback__ is None
    assert fault.__context__ is None


def test_an_unexpected_exception_comes_back_as_a_fault_of_ours() -> None:
    fault = original(caught_from(KeyError(CANARY)))
    assert isinstance(fault, InternalFault)
    assert fault.code == "INTERNAL-KeyError"
    assert CANARY not in str(fault.args) + str(fault)


def test_a_failure_of_another_process_keeps_its_code() -> None:
    assert original(SanitisedFailure("elsewhere")).code == "elsewhere"


def test_a_failure_inside_a_failure_keeps_the_first_code() -> None:
    @sanitised
    def inner() -> None:
        raise BudgetRefused("cap_exceeded", "the cap is spent")

    with pytest.raises(SanitisedFailure) as caught:
        sanitised(inner)()
    assert caught.value.code == "cap_exceeded"
    assert isinstance(original(caught.value), BudgetRefused)


def test_an_interrupt_stays_one() -> None:
    @sanitised
    def task() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        task()
    assert caught.value.__context__ is None


def test_results_pass_through() -> None:
    assert sanitised(lambda value: value + 1)(1) == 2
