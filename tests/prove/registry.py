"""Suites register themselves by being there: every module of `tests/prove/suites` has a tuple SUITES."""

from importlib import import_module
from pathlib import Path

from tests.prove.frame import Suite

SUITES_FOLDER = Path(__file__).with_name("suites")


def suites() -> dict[str, Suite]:
    """Every suite by name, in the order of module names."""
    found: dict[str, Suite] = {}
    for path in sorted(SUITES_FOLDER.glob("[a-z]*.py")):
        for suite in import_module(f"tests.prove.suites.{path.stem}").SUITES:
            if suite.name in found:
                raise ValueError(f"two suites are called {suite.name}")
            found[suite.name] = suite
    return found
