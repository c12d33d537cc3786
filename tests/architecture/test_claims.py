"""Every transformation and mechanism has a claim: assumptions, adjacency, the claim, its argument, source and tests.

A claim's paragraph "Where." names files, and the functions and classes in them that it is about. That the tests it lists
exist is held by test_house.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = sorted((ROOT / "docs" / "claims").glob("*.md"))
SECTIONS = ("Assumptions", "Adjacency", "The claim", "Argument", "Tests")
TRANSFORMATIONS = (
    "privacy/audit.py",
    "privacy/charges.py",
    "privacy/estimate.py",
    "privacy/measure.py",
    "privacy/mechanisms.py",
    "privacy/sensitivity.py",
    "pipelines/intake/assemble.py",
    "pipelines/intake/batch.py",
    "pipelines/intake/cells.py",
    "pipelines/intake/contacts.py",
    "pipelines/intake/encoding.py",
    "pipelines/intake/identity.py",
    "pipelines/intake/long_form.py",
    "pipelines/intake/multi.py",
    "pipelines/intake/numeric.py",
    "pipelines/intake/rules.py",
    "pipelines/zone/audit_room.py",
    "pipelines/zone/counting.py",
    "pipelines/zone/crossing_room.py",
    "pipelines/zone/responses.py",
)
"""Files of which each public function and class is named by a claim."""
ROOMS = ("privacy", "pipelines/intake", "pipelines/zone", "pipelines/audit")
"""Folders of which each file is named by a claim, or names its own as `Claim: docs/claims/….md`."""


def where(claim: Path) -> str:
    """The paragraph that says what the claim is about."""
    found = re.search(r"^\*\*Where\.\*\*(.*?)(?=\n\n)", claim.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def public_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda path: path.name)
def test_a_claim_says_all_that_a_claim_must(claim: Path) -> None:
    text = claim.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for wanted in SECTIONS:
        assert any(name.startswith(wanted) and body.strip() for name, body in sections.items()), wanted
    assert re.search(r"^\*\*Source\.\*\* \S", text, re.MULTILINE), "no source"
    assert where(claim).strip(), "does not say where"


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_every_transformation_has_a_claim(name: str) -> None:
    told = [where(claim) for claim in CLAIMS if f"`{name}`" in where(claim)]
    said = {word for text in told for word in re.findall(r"`([A-Za-z_][A-Za-z0-9_]*)`", text)}
    assert told, f"no claim in docs/claims is about {name}"
    assert public_names(ROOT / name) <= said, "a claim must name it in its paragraph 'Where.'"


def test_every_file_of_the_promise_belongs_to_a_claim() -> None:
    told = "\n".join(map(where, CLAIMS))
    files = [path.relative_to(ROOT).as_posix() for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]
    silent = [
        name
        for name in files
        if not name.endswith("__init__.py")
        and f"`{name}`" not in told
        and "Claim: docs/claims/" not in (ROOT / name).read_text(encoding="utf-8")
    ]
    assert not silent, "name it in the 'Where.' of the claim it belongs to, or that claim in its docstring"


def test_claims_are_about_what_exists() -> None:
    for claim in CLAIMS:
        for name in re.findall(r"`((?:privacy|pipelines|schemas)/[a-z_/]+\.py)`", where(claim)):
            assert (ROOT / name).is_file(), f"{claim.name}: {name}"


def test_production_draws_from_opendp_alone() -> None:
    """The seam of record and replay is an argument; nothing in production gives it."""
    for package in ("privacy", "pipelines", "flows"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                given = isinstance(node, ast.keyword) and node.arg == "draw"
                assert not given, f"{path.name}:{node.value.lineno} hands its own draw to the measurement"
                if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "measure":
                    assert len(node.args) <= 3, f"{path.name}:{node.lineno}"
