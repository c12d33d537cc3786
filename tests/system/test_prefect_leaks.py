"""What Prefect keeps of a failing flow: with the decorator nothing of the value, without it the value in many places."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.command import ROOT
from tests.system.sweep import sweep

KEPT_IN = "canarykept0123456789abcdef"
LET_OUT = "canaryout0123456789abcdef"

FLOWS = f"""
import sys
from pathlib import Path
from flows.settings import prepare_prefect
prepare_prefect(Path(sys.argv[1]))
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from flows.sanitised import SanitisedFailure, original, sanitised

QUIET = dict(retries=0, persist_result=False, log_prints=False)

class Response(str):
    pass

def convert(value):
    answer = Response(value)
    try:
        return int(answer)
    except ValueError:
        raise RuntimeError(f"row 7 holds {{value}}", answer)

@task(**QUIET, cache_policy=NO_CACHE)
@sanitised
def kept_in_task():
    return convert("{KEPT_IN}")

@flow(**QUIET)
@sanitised
def kept_in():
    return kept_in_task()

@task(retries=0)
def let_out_task():
    return convert("{LET_OUT}")

@flow(retries=0)
def let_out():
    return let_out_task()

try:
    kept_in()
except SanitisedFailure as failure:
    print(failure.code, original(failure))
try:
    let_out()
except RuntimeError:
    print("let out")
"""


@pytest.mark.extended
@pytest.mark.prove
@pytest.mark.xdist_group("prefect")
def test_a_failing_flow_leaves_no_value_in_prefect(tmp_path: Path) -> None:
    script, home = tmp_path / "failing.py", tmp_path / "prefect"
    script.write_text(FLOWS)
    home.mkdir()
    done = subprocess.run(
        [sys.executable, str(script), str(home)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout.splitlines() == ["INTERNAL-RuntimeError ", "let out"]
    assert done.stderr == ""
    found = sweep([home], [KEPT_IN, LET_OUT])
    assert [place for place in found if KEPT_IN in place] == []
    assert len([place for place in found if LET_OUT in place]) >= 2, "the search must find what is there"
    assert not (tmp_path / "home").exists(), "Prefect wrote outside its folder"
