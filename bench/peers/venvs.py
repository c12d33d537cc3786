"""Other tools for differential privacy, each in a venv of its own: their dependencies do not go together with ours."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
VENVS = _HERE.parent.parent / ".bench-venvs"
PEERS = {
    "OpenDP Context (Polars)": "opendp_context.py",
    "SmartNoise SQL": "smartnoise_sql.py",
    "Tumult Analytics": "tumult_analytics.py",
}
"""Those of the speed bench: name and script."""
_VENV_OF = {"SmartNoise SQL": "smartnoise", "Tumult Analytics": "tumult"}


def peer_python(name: str) -> str | None:
    """The interpreter that has the tool, made by setup.sh where it is missing. None: it cannot be made here.

    OpenDP is installed with hearsafe.
    """
    if name not in _VENV_OF:
        return sys.executable
    venv = VENVS / _VENV_OF[name]
    python = venv / "bin" / "python"
    if not python.exists():
        set_up = [str(_HERE / "setup.sh"), _VENV_OF[name]]
        if subprocess.run(set_up, env=os.environ | {"PYTHON": sys.executable}, check=False).returncode:
            shutil.rmtree(venv, ignore_errors=True)  # half of it would be taken for the whole the next time
            return None
    return str(python)
