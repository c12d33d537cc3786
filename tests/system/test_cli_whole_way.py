"""Every verb in turn, as three people use them, without Prefect."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.city import City, build_city
from tests.system.command import ROOT, hearsafe

pytestmark = pytest.mark.slow


@pytest.fixture
def city(tmp_path: Path) -> City:
    return build_city(tmp_path / "city", 1500)


def said(city: City, *arguments: str | Path) -> dict[str, object]:
    done = hearsafe(*arguments, "--json", cwd=city.folder)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_from_export_to_verified_release(city: City) -> None:
    source = ("--source", "web=export.csv", "--contacts", "contacts.csv")
    snapshot = said(city, "ingest", ".", *source)["snapshot_id"]
    assert said(city, "ingest", ".", *source)["snapshot_id"] == snapshot
    shown = hearsafe("ingest", ".", "--show", cwd=city.folder)
    assert (shown.returncode, "1500" in shown.stdout) == (0, True)

    first = said(city, "release", ".")
    assert (first["charged"], first["already_published"]) == (True, False)
    again = said(city, "release", ".")
    assert (again["charged"], again["already_published"]) == (False, True)
    assert again["folder"] == first["folder"]

    proof = said(city, "verify", str(first["release_id"]))
    assert proof["confirmed"] is False
    key = str(proof["fingerprint"])
    assert said(city, "verify", str(first["folder"]), "--key", key)["confirmed"] is True
    wrong = hearsafe("verify", str(first["folder"]), "--key", "0" * 64, cwd=city.folder)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (7, 1)

    own = hearsafe("report", str(first["release_id"]), cwd=city.folder).stdout.strip()
    assert own.endswith("/report.html")
    assert hearsafe("report", str(first["release_id"]), "--out", "mine.html", cwd=city.folder).stdout == "mine.html\n"
    assert (city.folder / "mine.html").read_bytes() == (city.folder / own).read_bytes()
    inside = hearsafe("report", str(first["folder"]), "--out", f"{first['folder']}/mine.html", cwd=city.folder)
    assert inside.returncode == 2
    assert said(city, "verify", str(first["folder"]))["verified"] is True

    scopes = said(city, "budget", ".")["scopes"]
    assert [scope["level"] for scope in scopes] == ["lifetime", "year", "wave"]  # type: ignore[attr-defined]
    assert not any((city.folder / "hearsafe-workspace" / "prefect").iterdir()), "single verbs do without Prefect"


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(city: City, closed: str) -> None:
    """As a careless scheduler starts it: no file or pipe of ours may take their place."""
    said(city, "ingest", ".", "--source", "export.csv", "--contacts", "contacts.csv")
    main = [sys.executable, "-c", "from flows.entry import main; main()"]
    for verb in (("ingest", ".", "--show"), ("release", ".")):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *main, *verb],
            cwd=city.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
        )
        assert (done.returncode, done.stderr) == (0, b"")
    (folder,) = (city.folder / "hearsafe-workspace" / "releases" / "testville" / "2026").iterdir()
    assert said(city, "verify", folder)["verified"] is True
    assert said(city, "release", ".")["already_published"] is True


def test_a_cap_refuses_and_the_budget_remembers(city: City) -> None:
    said(city, "ingest", ".", "--source", "export.csv", "--contacts", "contacts.csv")
    policy = city.folder / "policy.yaml"
    said(city, "release", ".")
    policy.write_text(
        policy.read_text()
        .replace("wave: {epsilon: 6}", "wave: {epsilon: 2.5}")
        .replace("release: {epsilon: 4}", "release: {epsilon: 2.5}")
    )
    refused = hearsafe("release", ".", cwd=city.folder)
    assert refused.returncode == 6
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    budget = said(city, "budget", ".")
    assert [refusal["code"] for refusal in budget["refused"]] == ["cap_exceeded"]  # type: ignore[attr-defined]


def test_a_wrong_or_missing_zone_key_is_exit_code_5(city: City) -> None:
    absent = hearsafe(
        "ingest",
        ".",
        "--source",
        "export.csv",
        "--contacts",
        "contacts.csv",
        "--key-source",
        "env:NO_SUCH_KEY",
        cwd=city.folder,
    )
    assert (absent.returncode, absent.stderr.count("\n")) == (5, 1)
    assert hearsafe("release", ".", cwd=city.folder).returncode == 5


def test_an_export_without_the_key_column_is_exit_code_4(city: City) -> None:
    (city.folder / "short.csv").write_text(f"When,District\n{city.canaries[0]},N\n")
    done = hearsafe("ingest", ".", "--source", "short.csv", "--contacts", "contacts.csv", cwd=city.folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert city.canaries[0] not in done.stderr
