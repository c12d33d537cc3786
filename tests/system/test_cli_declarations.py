import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.city import POLICY, SURVEY
from tests.system.command import ROOT, hearsafe


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    (tmp_path / "survey.yaml").write_text(SURVEY)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_check_says_that_all_is_well(declared: Path) -> None:
    done = hearsafe("check", ".", cwd=declared)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("testville, wave 2026: the declarations are valid")
    assert json.loads(hearsafe("check", ".", "--json", cwd=declared).stdout)["valid"] is True
    assert sorted(path.name for path in declared.iterdir()) == ["policy.yaml", "survey.yaml"]


@pytest.mark.parametrize("verb", ["check", "plan", "ingest", "release"])
def test_each_verb_refuses_a_bad_declaration_in_one_line(declared: Path, verb: str) -> None:
    change(declared / "survey.yaml", "type: nps", "type: nips")
    source = ["--source", "x.csv"] if verb == "ingest" else []
    done = hearsafe(verb, ".", *source, cwd=declared)
    assert done.returncode == 3
    assert done.stdout == ""
    words = "'rating', 'choice', 'multi', 'numeric', 'nps', 'ranking', 'themes'"
    assert done.stderr == f"error: survey.yaml:24: questions.4.type: must be {words}\n"


def test_check_shows_every_problem_and_others_the_first(declared: Path) -> None:
    change(declared / "survey.yaml", "type: nps", "type: nips")
    change(declared / "policy.yaml", "delta: 1.0e-6", "delta: 2")
    done = hearsafe("check", ".", "--json", cwd=declared)
    assert done.returncode == 3
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["survey.yaml:24", "policy.yaml:3"]
    said = json.loads(done.stdout)
    assert said["valid"] is False
    assert [problem["error"] for problem in said["problems"]] == ["value_wrong", "value_wrong"]
    plan = hearsafe("plan", ".", cwd=declared)
    assert plan.stderr.count("\n") == 1
    assert plan.stderr.endswith("(and 1 more: run hearsafe check)\n")


def test_plan_makes_no_workspace(declared: Path) -> None:
    done = hearsafe("plan", ".", cwd=declared)
    assert (done.returncode, done.stderr) == (0, "")
    assert "A release would cost ε 2 " in done.stdout
    assert "quality" in done.stdout
    assert not (declared / "hearsafe-workspace").exists()
    assert "no ledger yet" in hearsafe("budget", cwd=declared).stdout


def test_plan_for_a_script_holds_the_whole_plan(declared: Path) -> None:
    said = json.loads(hearsafe("plan", ".", "--json", cwd=declared).stdout)
    assert said["plan"]["survey"] == "testville"
    assert said["left"] is None
    assert said["approvals"] == {"given": 0, "needed": 0}


def test_another_policy_is_taken_from_a_file(declared: Path) -> None:
    other = declared / "cautious.yaml"
    other.write_text(POLICY.replace("spend: {epsilon: 2", "spend: {epsilon: 1"))
    assert "would cost ε 1 " in hearsafe("plan", ".", "--policy", other, cwd=declared).stdout


def test_approve_and_budget(declared: Path) -> None:
    key = declared / "officer.pem"
    officer = hearsafe("officer-key", key, cwd=declared).stdout.strip()
    assert officer.startswith("ed25519:")
    with (declared / "policy.yaml").open("a") as policy:
        policy.write(f"approvals: {{needed: 1, officers: ['{officer}'], charges: 2, expires_days: 14}}\n")
    places = ["--workspace", declared / "ws"]
    said = json.loads(hearsafe("approve", ".", "--officer-key", key, *places, "--json", cwd=declared).stdout)
    assert (said["charges"], f"ed25519:{said['officer']}") == (2, officer)
    assert "Approvals: 1 of 1 given" in hearsafe(*places, "plan", ".", cwd=declared).stdout
    shown = hearsafe("budget", cwd=declared, environment={"HEARSAFE_WORKSPACE": str(declared / "ws")})
    assert "2 of 2 charges left" in shown.stdout
    assert "lifetime of testville-adults" in shown.stdout
    stranger = declared / "stranger.pem"
    hearsafe("officer-key", stranger, cwd=declared)
    refused = hearsafe("approve", ".", "--officer-key", stranger, *places, cwd=declared)
    assert refused.returncode == 6
    assert refused.stderr.count("\n") == 1


def test_missing_places_have_their_exit_codes(declared: Path) -> None:
    for code, arguments in (
        (3, ("check", "nowhere")),
        (4, ("ingest", ".", "--source", "none.csv")),
        (2, ("ingest", ".", "--source", "post=none.csv")),
        (2, ("ingest", ".")),
        (2, ("ingest", ".", "--source", "policy.yaml", "--key-source", "cloud")),
        (7, ("verify", "nowhere")),
        (7, ("report", "nowhere")),
    ):
        done = hearsafe(*arguments, cwd=declared)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), arguments
        assert done.stderr.startswith("error: ")


def test_a_closed_pipe_is_no_fault(declared: Path) -> None:
    command = f"{sys.executable} -m flows.command_line plan . --explain --json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=declared, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
