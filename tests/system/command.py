"""Runs the command line as a person does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def hearsafe(
    *arguments: str | Path, cwd: Path, environment: dict[str, str] | None = None, timeout: float = 600
) -> "subprocess.CompletedProcess[str]":
    """One command, with its exit code, stdout and stderr."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("HEARSAFE_", "PREFECT_", "COLUMNS"))
    }
    return subprocess.run(
        [sys.executable, "-m", "flows.command_line", *map(str, arguments)],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
