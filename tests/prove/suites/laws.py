"""Property tests of ledger, plan, sensitivity and intake, with many more examples than `make test` gives them."""

from tests.prove.by_pytest import pytest_suite
from tests.prove.frame import Suite

SUITES = (
    Suite(
        name="laws",
        purpose="laws of ledger arithmetic, plans, sensitivity and intake on 1,000 examples each",
        run=pytest_suite(
            "laws", "-m", "not extended", "tests/property", at_least=20, environment={"HEARSAFE_HYPOTHESIS": "thorough"}
        ),
        minutes=6,
        levels=("long",),
    ),
)
