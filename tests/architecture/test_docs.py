"""Docs are held to the code: links resolve, commands and verbs exist, decisions are numbered."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
README = ROOT / "README.md"


def _prose(path: Path) -> str:
    """The file without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", _prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_make_commands_in_docs_exist() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)\b", text, re.MULTILINE))
    assert {"demo", "test"} <= named
    unknown = {
        name
        for name in named
        if name not in _make_targets() and not (ROOT / f"bench/{name.removeprefix('bench-')}.py").is_file()
    }
    assert not unknown


def _verbs() -> set[str]:
    import typer

    from flows import command_line

    app = next(value for value in vars(command_line).values() if isinstance(value, typer.Typer))
    return set(getattr(typer.main.get_command(app), "commands"))  # noqa: B009


def test_every_verb_is_in_the_readme_and_no_other() -> None:
    table = re.findall(r"^\| `hearsafe ([a-z-]+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(table) == sorted(_verbs())


def test_commands_in_docs_use_verbs_that_exist() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    code = "\n".join(
        re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL) + re.findall(r"`(hearsafe [^`]+)`", text)
    )
    named = set(re.findall(r"^hearsafe ([a-z][a-z-]*)", code, re.MULTILINE))
    assert "release" in named
    assert named <= _verbs()


def test_decisions_are_numbered_and_say_why() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in files]
    assert len(set(numbers)) == len(numbers)  # a subject has a range of numbers, so there are gaps
    for path in files:
        assert {"Context", "Decision", "Consequences"} <= set(
            re.findall(r"^## (\w+)", path.read_text(encoding="utf-8"), re.M)
        ), path


def test_every_error_kind_and_exit_code_is_documented() -> None:
    from schemas.errors import FAULT_KINDS

    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert codes == {0, *(kind.exit_code for kind in FAULT_KINDS.values())}


def test_every_threat_has_a_defence_and_tests_that_exist() -> None:
    text = (ROOT / "docs" / "threat_model.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (T\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert [name for name, *_ in rows] == [f"T{n}" for n in range(1, 25)]
    for name, _, _, tests in rows:
        named = re.findall(r"`(tests/[^`:]+\.py)(?:::([a-z_0-9]+))?`", tests)
        assert named, f"{name} names no test"
        for file, test in named:
            assert (ROOT / file).is_file(), f"{name}: {file}"
            assert not test or f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{name}: {file}::{test}"


def test_every_suite_of_make_prove_is_in_the_test_plan() -> None:
    from tests.prove.registry import suites

    plan = (ROOT / "TESTPLAN.md").read_text(encoding="utf-8")
    section = plan.partition("## Suites of make prove")[2]
    rows = set(re.findall(r"^\| ([a-z][a-z-]*) \|", section, re.MULTILINE))
    missing = sorted(set(suites()) - rows)
    assert not missing, f"TESTPLAN.md has no row for {missing}"
