"""Other tools for differential privacy, each in a venv of its own: their dependencies do not go together with ours."""

import os
import subprocess
import sys
from pathlib import Path

PEERS = {"OpenDP Context (Polars)": "opendp_context.py", "SmartNoise SQL": "smartnoise_sql.py"}
_PACKAGES = {"SmartNoise SQL": ("smartnoise-sql",)}


def peer_python(name: str, folder: Path) -> str | None:
    """The interpreter that has the tool; HEARSAFE_BENCH_VENVS names a folder of venvs made before. None: no such tool.

    OpenDP is installed with hearsafe; SmartNoise SQL is installed from the package index on first use.
    """
    if name not in _PACKAGES:
        return sys.executable
    venv = Path(os.environ.get("HEARSAFE_BENCH_VENVS", folder)) / name.lower().replace(" ", "-")
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        done = subprocess.run([str(python), "-m", "pip", "install", "--quiet", *_PACKAGES[name]], check=False)
        if done.returncode:
            return None
    installed = subprocess.run([str(python), "-c", "import snsql"], check=False, capture_output=True)
    return str(python) if installed.returncode == 0 else None
