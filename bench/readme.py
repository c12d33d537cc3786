"""The parts of bench/README.md that benches write, between markers, with machine and versions."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_README = Path(__file__).parent / "README.md"
_PACKAGES = ("duckdb", "opendp", "numpy", "scipy", "pyarrow")


def conditions() -> str:
    """Date, machine and versions, in one line."""
    software = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores {platform.machine()}, "
        f"load average {os.getloadavg()[0]:.0f}; Python {platform.python_version()}, {software}."
    )


def write_part(name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- name: end -->`. Raises: ValueError: no such markers."""
    whole = _README.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    if not pattern.search(whole):
        raise ValueError(f"bench/README.md has no part {name!r}")
    body = f"\n{text.strip()}\n\n{conditions()}\n\n"
    _README.write_text(pattern.sub(lambda m: m.group(1) + body + m.group(2), whole), encoding="utf-8")
