"""House rules as tests: style, types, file length, no trace of a machine, claims with tests, a lock that can be trusted."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("schemas", "privacy", "pipelines", "flows")
LONGEST_FILE = 400
FEWEST_TESTS = 60
"""A floor under the number of test functions, so that a suite that shrinks by accident fails. Raise it as they grow."""


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git has, or would take."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _tool(name: str, *arguments: str) -> None:
    command = [Path(sys.executable).with_name(name), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    _tool("ruff", "check", "--no-cache", "--quiet", ".")


def test_every_file_is_formatted() -> None:
    _tool("ruff", "format", "--check", "--quiet", ".")


@pytest.mark.slow
def test_pyright_finds_nothing() -> None:
    _tool("pyright")


@pytest.mark.parametrize("package", FLOORS)
def test_examples_in_docstrings_are_true(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        if ">>>" in _text(path):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            assert doctest.testmod(module).failed == 0, path.name


def test_a_file_is_read_in_one_sitting() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in tracked()
        if p.suffix == ".py" and (n := _text(p).count("\n")) > LONGEST_FILE
    }
    assert not long


def test_no_file_names_a_machine_or_an_index() -> None:
    machine = re.compile(r"(^|[\s\"'=(:])/(?:home|root|work|mnt|Users)/[a-z]", re.MULTILINE)
    index = re.compile(
        r"--(?:extra-)?index-" + r"url|--find-" + r"links|https?://[^ \"]*/sim" + r"ple\b|\"resolved\": *\"http"
    )
    found = [str(p.relative_to(ROOT)) for p in tracked() if machine.search(_text(p)) or index.search(_text(p))]
    assert not found


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = _text(ROOT / "requirements.lock")
    requirements = re.findall(
        r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==[^\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)+)", lock, re.M
    )
    pinned = re.findall(r"^[a-z0-9][^\n]*==", lock, re.M)
    assert len(requirements) == len(pinned) > 100
    assert "://" not in lock


def test_every_direct_dependency_is_in_the_lock() -> None:
    import tomllib

    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0] for requirement in wanted}
    locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", _text(ROOT / "requirements.lock"), re.M))
    assert names <= locked


def _test_names(path: Path) -> set[str]:
    """Names a claim may point to: `test_x` and `TestClass::test_x`."""
    names: set[str] = set()
    for node in ast.parse(_text(path)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{n.name}" for n in node.body if isinstance(n, ast.FunctionDef)} | {node.name}
    return names


def test_claims_point_to_tests_that_exist() -> None:
    wrong: list[str] = []
    for claim in sorted((ROOT / "docs" / "claims").glob("*.md")):
        ids = re.findall(r"`(tests/[^`:]+\.py)::([A-Za-z0-9_:]+)[^`]*`", _text(claim))
        wrong += [f"{claim.name}: lists no test"] if not ids else []
        wrong += [
            f"{claim.name}: {file}::{name}"
            for file, name in ids
            if not (ROOT / file).is_file() or name not in _test_names(ROOT / file)
        ]
    assert not wrong


def test_every_claim_that_code_makes_is_written_down() -> None:
    named = {
        claim
        for package in FLOORS
        for path in (ROOT / package).rglob("*.py")
        for claim in re.findall(r"Claim: (docs/claims/[a-z_-]+\.md)", _text(path))
    }
    assert named
    assert not sorted(claim for claim in named if not (ROOT / claim).is_file())


def test_the_suite_has_not_shrunk() -> None:
    found = re.compile(r"^\s*(?:async )?def test_", re.MULTILINE)
    count = sum(len(found.findall(_text(path))) for path in (ROOT / "tests").rglob("test_*.py"))
    assert count >= FEWEST_TESTS


@pytest.mark.xdist_group("one-worker")
def test_tests_of_one_group_go_to_one_worker(request: pytest.FixtureRequest) -> None:
    """Else a server's port, or what takes a minute to build, would be had twice at the same time."""
    if request.config.getoption("loadgroup", False):
        assert request.node.nodeid.endswith("@one-worker")
