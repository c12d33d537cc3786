"""`run` and `demo`: the whole way through Prefect, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.city import build_city
from tests.system.command import ROOT, hearsafe
from tests.system.sweep import sweep

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


def test_run_releases_or_fails_in_one_line_and_leaves_nothing_in_prefect(tmp_path: Path) -> None:
    city = build_city(tmp_path / "city", 1500)
    arguments = ("run", ".", "--source", "export.csv", "--contacts", "contacts.csv")
    done = hearsafe(*arguments, cwd=city.folder)
    assert (done.returncode, done.stderr) == (0, "")
    release, report = (line.split(None, 1) for line in done.stdout.splitlines())
    assert (release[0], report[0]) == ("release", "report")
    assert Path(report[1]).is_file()
    assert hearsafe("verify", release[1], cwd=city.folder).returncode == 0

    (city.folder / "short.csv").write_text("When,District\n" + "\n".join(city.canaries))
    failed = hearsafe("run", ".", "--source", "short.csv", "--json", cwd=city.folder)
    assert failed.returncode == 4
    assert failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("error: short.csv")
    assert json.loads(failed.stdout)["error"] == "column_missing"

    with (city.folder / "policy.yaml").open("a") as policy:
        policy.write(f"approvals: {{needed: 1, officers: ['ed25519:{'0' * 64}']}}\n")
    refused = hearsafe("release", ".", cwd=city.folder)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (6, "", 1)
    assert "approvals of this plan can be used" in refused.stderr

    outside = [city.folder / "hearsafe-workspace" / name for name in ("prefect", "ledger", "releases", "keys")]
    assert sweep(outside, city.canaries) == []
    assert (outside[0] / "prefect.db").exists()
    assert not any(canary in done.stdout + failed.stdout + failed.stderr for canary in city.canaries)


_DRAWS_NO_PORT = """
import sys
from pathlib import Path
from flows.settings import prepare_prefect
home = Path("hearsafe-workspace/prefect").absolute()
home.mkdir(parents=True)
prepare_prefect(home)
from prefect.server.api.server import SubprocessASGIServer
def drawn(_):
    raise RuntimeError("of a thousand")
SubprocessASGIServer.find_available_port = drawn
from flows.command_line import run
sys.exit(run(["run", ".", "--source", "export.csv", "--contacts", "contacts.csv"]))
"""


def test_two_runs_that_begin_together_have_servers_of_their_own(tmp_path: Path) -> None:
    """Of the thousand ports that Prefect draws from, two runs take the same now and then, and it does not notice."""
    city = build_city(tmp_path / "city", 300)
    done = subprocess.run(
        [sys.executable, "-c", _DRAWS_NO_PORT],
        cwd=city.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_demo_ends_with_four_lines_and_runs_again(tmp_path: Path) -> None:
    for _ in range(2):
        done = hearsafe("demo", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        lines = dict(line.split(None, 1) for line in done.stdout.splitlines()[-4:])
        assert list(lines) == ["release", "report", "verified", "loss"]
        assert (tmp_path / lines["release"]).is_dir()
        assert (tmp_path / lines["report"]).is_file()
        assert lines["verified"] == "yes"
        assert "spent" in lines["loss"]
        assert "left" in lines["loss"]


def test_the_demo_deletes_no_other_folder(tmp_path: Path) -> None:
    mine = tmp_path / "hearsafe-demo" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    done = hearsafe("demo", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: hearsafe-demo: this folder is not a demo's. Name an empty or new one with --folder\n"
    assert mine.read_text() == "mine"
