"""Whole processes under a stopwatch: wall time, CPU time with all children, peak memory of the largest process."""

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Used:
    """What a process used, interpreter start and imports included. Seconds and bytes."""

    wall: float
    cpu: float
    peak: int


def _environment() -> dict[str, str]:
    """Ours, with compiled modules kept between runs, as Python does unless it is told not to."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(_ROOT)}


def run(command: list[str], *, limit: float = 3600.0, cwd: Path | None = None) -> Used | None:
    """One process from start to end; None where it did not end within `limit` seconds.

    Raises: RuntimeError: it failed; with the end of what it wrote.
    """
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=_environment(),
            start_new_session=True,
        )
        ended, status, usage = 0, 0, None
        while not ended and time.monotonic() - began < limit:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG if limit < 3600 else 0)
            if not ended:
                time.sleep(0.05)
        if not ended or usage is None:
            os.killpg(process.pid, signal.SIGKILL)
            os.wait4(process.pid, 0)
            return None
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {output.read()[-2000:].decode(errors='replace')}")
    return Used(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def must(command: list[str], *, cwd: Path | None = None) -> Used:
    """As `run`, without a limit."""
    used = run(command, cwd=cwd)
    if used is None:
        raise RuntimeError(f"{' '.join(command)}: did not end")
    return used


def middle(runs: list[Used]) -> Used:
    """Medians of times and the largest peak of several runs."""
    return Used(median(u.wall for u in runs), median(u.cpu for u in runs), max(u.peak for u in runs))
