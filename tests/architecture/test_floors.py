"""The floors of DESIGN §2: who may import whom, and which floors never touch a disk."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("schemas", "privacy", "pipelines", "flows")
_DISK_AND_WORLD = {
    "glob", "http", "io", "os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib", "importlib.resources",
}  # fmt: skip


def sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every imported module, `from a import b` as both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_import_contracts() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sources("schemas", "privacy"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_lower_floors_touch_no_disk(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    forbidden = {name for name in imported(tree) if name in _DISK_AND_WORLD or name.split(".")[0] in _DISK_AND_WORLD}
    opened = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "open"]
    assert not forbidden, f"{path.name} imports {sorted(forbidden)}"
    assert not opened, f"{path.name} calls open() on lines {opened}"


@pytest.mark.parametrize("path", sources(*FLOORS), ids=lambda path: str(path.relative_to(ROOT)))
def test_noise_has_one_source(path: Path) -> None:
    """No generator but OpenDP's: NumPy's and Python's are predictable, SciPy's and Polars' use NumPy's or their own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {name for name in imported(tree) if name == "random" or name.startswith(("numpy.random", "random."))}
    reached = {
        f"{node.value.id}.random:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "random" and isinstance(node.value, ast.Name)
    }
    drawn = {
        f"{node.attr}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"rvs", "default_rng", "RandomState", "set_random_seed"}
    }
    assert not named | reached | drawn
    seeds = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.arg | ast.keyword)
        and node.arg in {"seed", "random_state", "rng"}
        and not _is_table(node)
    ]
    assert not seeds, f"a seed on lines {seeds}"


def _is_table(node: ast.arg | ast.keyword) -> bool:
    """The starting table of proportional fitting is called its seed, too."""
    annotation = node.annotation if isinstance(node, ast.arg) else None
    return annotation is not None and any(word in ast.unparse(annotation) for word in ("Floats", "NDArray"))


def test_the_worker_is_alone_in_the_zone() -> None:
    """What the parent process imports on the way to a release loads neither DuckDB nor the counting."""
    script = (
        "import sys, pipelines.release, pipelines.crossing, pipelines.planning, pipelines.publication, pipelines.ingest\n"
        "loaded = sorted({'duckdb', 'pipelines.zone.worker', 'pipelines.zone.counting'} & set(sys.modules))\n"
        "sys.exit(f'loaded in the parent: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
