"""What program this is: a digest of its code and of the libraries that a release rests on, for approvals to name."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from schemas.canonical import digest

PACKAGES = ("schemas", "privacy", "pipelines", "flows")
KINDS = ("py", "j2")
LIBRARIES = ("duckdb", "numpy", "opendp", "scipy")
"""Between an exact count and a published figure."""


@cache
def code_digest() -> str:
    """SHA-256 over every Python file and template of the four packages, by name, and the versions of LIBRARIES.

    Of the files as they are at the first call. An edited file, in whichever package, is another program.
    """
    root = Path(__file__).resolve().parent.parent
    files = [path for package in PACKAGES for kind in KINDS for path in sorted((root / package).rglob(f"*.{kind}"))]
    named = {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return digest({"files": named, "libraries": {name: version(name) for name in LIBRARIES}})
