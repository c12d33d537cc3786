"""Which suites are finished for the code as it is: one small JSON file each, so that an interrupted run goes on."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tests.prove.frame import Figure, Level

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".prove"
_CODE = ("schemas", "privacy", "pipelines", "flows", "tests")


def code_digest() -> str:
    """Digest of all code and locked dependencies: other code is to be proven again."""
    found = hashlib.sha256()
    sources = [path for package in _CODE for path in (ROOT / package).rglob("*.py")]
    for path in sorted([*sources, ROOT / "requirements.lock"]):
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


@dataclass(frozen=True)
class Finished:
    """What a suite found. `missing`: what it needs and this machine has not; then it has no figures."""

    suite: str
    level: Level
    seconds: float
    figures: tuple[Figure, ...]
    missing: str = ""

    @property
    def holds(self) -> bool:
        return not self.missing and bool(self.figures) and all(figure.holds for figure in self.figures)

    def write(self, path: Path) -> None:
        figures = [figure.as_dict() for figure in self.figures]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_text(json.dumps({**vars(self), "figures": figures}, indent=1))
        path.with_suffix(".part").rename(path)

    @classmethod
    def read(cls, path: Path) -> "Finished":
        found = json.loads(path.read_text())
        return cls(**{**found, "figures": tuple(Figure(**figure) for figure in found["figures"])})


def place(suite: str, level: Level, digest: str) -> Path:
    """The file of a suite's result at a level, for code of this digest."""
    return STATE / digest / f"{suite}-{level}.json"
