"""A suite that is a selection of tests: its figures are how many passed, and that none failed or was skipped."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

from tests.prove.frame import Effort, Figure
from tests.prove.state import ROOT


def pytest_suite(
    what: str, *arguments: str, at_least: int, environment: dict[str, str] | None = None
) -> Callable[[Effort], Iterator[Figure]]:
    """The `run` of a suite: pytest with these arguments, single process. `at_least`: as many tests must pass."""

    def run(effort: Effort) -> Iterator[Figure]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        command += [f"--basetemp={effort.folder / 'pytest'}"]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True
        )
        found = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error|skipped|xfailed)", done.stdout)}
        if done.returncode:
            sys.stderr.write(done.stdout[-4000:])
        yield Figure(f"{what}: tests passed", found.get("passed", 0), ">=", at_least)
        yield Figure(f"{what}: tests failed", found.get("failed", 0) + found.get("error", 0), "=", 0)
        yield Figure(f"{what}: exit code of pytest", done.returncode, "=", 0)

    return run
