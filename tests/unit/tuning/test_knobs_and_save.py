"""Turning a policy's knobs and writing it back: nothing else changes, comments stay, nobody's change is lost."""

import errno
import fcntl
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, current_thread

import pytest

from pipelines.declarations import Declarations, load_declarations
from pipelines.tuning import save
from pipelines.tuning.knobs import knobs_of, turned
from pipelines.tuning.places import candidates, crosstab_choices, in_order, policies
from pipelines.tuning.save import changes, rewritten, save_policy, seen
from schemas.errors import DeclarationFault, Fault, UsageFault
from schemas.policy import Policy
from tests.conftest import ROOT

RIVERBEND = ROOT / "pipelines" / "riverbend"
POLICIES = sorted([RIVERBEND / "policy.yaml", *(ROOT / "examples").glob("*/policy.yaml")])


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    for name in ("survey.yaml", "policy.yaml"):
        shutil.copy(RIVERBEND / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.parent.name)
def test_knobs_untouched_change_no_byte(path: Path) -> None:
    policy = load_declarations(path.parent).policy
    same = turned(policy, knobs_of(policy))
    assert same == policy
    assert changes(policy, same) == ()
    text = path.read_text(encoding="utf-8")
    assert rewritten(text, policy, same) == text


def test_saving_keeps_comments_and_changes_only_what_was_turned(declared: Path) -> None:
    path = declared / "policy.yaml"
    policy, before = load_declarations(declared).policy, path.read_text(encoding="utf-8")
    held = knobs_of(policy)
    wanted = turned(
        policy,
        replace(
            held, spend=1.25, delta=1e-7, noise="gaussian", priority=(*held.priority[1:], ("safe_day", "age")),
            emphasis={**held.emphasis, "indices": 2.0}, publish_margin_points=8.0, min_expected_base=75,
        ),
    )  # fmt: skip
    save_policy(path, policy, wanted, seen(path), declared)
    after = path.read_text(encoding="utf-8")
    assert load_declarations(declared).policy == wanted
    comments = [line.split(" #")[1] for line in before.splitlines() if " #" in line]
    assert comments
    assert [line.split(" #")[1] for line in after.splitlines() if " #" in line] == comments
    untouched = [line for line in before.splitlines() if line in after.splitlines()]
    assert len(before.splitlines()) - len(untouched) == 5
    assert "delta: 1.0e-7\n" in after
    assert [change.path for change in changes(policy, wanted)] == [
        "delta", "spend.epsilon", "spend.noise", "workload.crosstabs.priority", "workload.emphasis.indices",
        "precision.publish_margin_points", "precision.min_expected_base",
    ]  # fmt: skip
    assert {p.name for p in declared.iterdir()} == {"survey.yaml", "policy.yaml"}


def test_saving_again_and_back_gives_the_same_values(declared: Path) -> None:
    path = declared / "policy.yaml"
    policy = load_declarations(declared).policy
    other = turned(policy, replace(knobs_of(policy), spend=0.5, others="none", emphasis={}))
    save_policy(path, policy, other, seen(path), declared)
    save_policy(path, other, policy, seen(path), declared)
    assert load_declarations(declared).policy == policy


def test_a_file_that_somebody_else_changed_is_not_overwritten(declared: Path) -> None:
    path = declared / "policy.yaml"
    policy, digest = load_declarations(declared).policy, seen(path)
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(UsageFault) as refused:
        save_policy(path, policy, turned(policy, replace(knobs_of(policy), spend=1.0)), digest, declared)
    assert refused.value.code == "policy_changed"
    assert path.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_change_while_we_save_is_not_overwritten(declared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that knows of no lock, between the first look at the file and its replacement."""
    path = declared / "policy.yaml"
    policy, digest = load_declarations(declared).policy, seen(path)
    theirs = path.read_text(encoding="utf-8").replace("lifetime: {epsilon: 10}", "lifetime: {epsilon: 6}")
    assert "epsilon: 6}" in theirs

    def edited(directory: Path, draft: Path) -> Declarations:
        path.write_text(theirs, encoding="utf-8")
        return load_declarations(directory, draft)

    monkeypatch.setattr(save, "load_declarations", edited)
    with pytest.raises(UsageFault) as refused:
        save_policy(path, policy, turned(policy, replace(knobs_of(policy), spend=1.0)), digest, declared)
    assert refused.value.code == "policy_changed"
    assert path.read_text(encoding="utf-8") == theirs
    assert {p.name for p in declared.iterdir()} == {"survey.yaml", "policy.yaml"}


def test_of_two_sessions_one_saves_and_the_other_is_told(declared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one comes when the first has written its draft, and waits for the folder."""
    path = declared / "policy.yaml"
    policy, digest = load_declarations(declared).policy, seen(path)
    ours, theirs = (turned(policy, replace(knobs_of(policy), spend=spend)) for spend in (1.0, 0.5))
    second = Thread(target=lambda: attempt("second", theirs))
    waits, told = Event(), dict[str, str]()
    locked = fcntl.flock

    def attempt(session: str, wanted: Policy) -> None:
        try:
            save_policy(path, policy, wanted, digest, declared)
            told[session] = "saved"
        except Fault as fault:
            told[session] = fault.code

    def lock(descriptor: int, kind: int) -> None:
        if current_thread() is second:
            waits.set()
        locked(descriptor, kind)

    def paused(directory: Path, draft: Path) -> Declarations:
        if current_thread() is not second:
            second.start()
            assert waits.wait(10), "the second session does not wait"
        return load_declarations(directory, draft)

    monkeypatch.setattr(fcntl, "flock", lock)
    monkeypatch.setattr(save, "load_declarations", paused)
    attempt("first", ours)
    second.join()
    assert told == {"first": "saved", "second": "policy_changed"}
    assert load_declarations(declared).policy == ours
    assert {p.name for p in declared.iterdir()} == {"survey.yaml", "policy.yaml"}


def test_a_draft_is_one_sessions_own(declared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a file system that cannot lock a folder."""
    path = declared / "policy.yaml"
    policy, digest = load_declarations(declared).policy, seen(path)
    ours, theirs = (turned(policy, replace(knobs_of(policy), spend=spend)) for spend in (1.0, 0.5))

    def no_locks(descriptor: int, kind: int) -> None:
        raise OSError(errno.EBADF, "")

    def nested(directory: Path, draft: Path) -> Declarations:
        monkeypatch.setattr(save, "load_declarations", load_declarations)
        save_policy(path, policy, theirs, digest, declared)
        return load_declarations(directory, draft)

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(save, "load_declarations", nested)
    with pytest.raises(UsageFault) as refused:
        save_policy(path, policy, ours, digest, declared)
    assert refused.value.code == "policy_changed"
    assert load_declarations(declared).policy == theirs


def test_a_folder_that_cannot_be_written_is_named(declared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = declared / "policy.yaml"
    policy = load_declarations(declared).policy
    monkeypatch.setattr(save.secrets, "token_hex", lambda length: "taken")
    (declared / ".policy.yaml.taken.draft").mkdir()
    with pytest.raises(UsageFault, match=r"policy\.yaml.*cannot be written"):
        save_policy(path, policy, turned(policy, replace(knobs_of(policy), spend=1.0)), seen(path), declared)


def test_values_that_no_policy_can_have_name_their_field() -> None:
    policy = load_declarations(RIVERBEND).policy
    with pytest.raises(DeclarationFault, match=r"policy\.yaml: delta"):
        turned(policy, replace(knobs_of(policy), delta=2.0))


def test_choices_offer_what_the_policy_holds_in_its_own_spelling() -> None:
    declarations = load_declarations(RIVERBEND)
    held = declarations.policy.workload.crosstabs.priority
    offered = crosstab_choices(declarations.attributes, held)
    assert set(held) <= set(offered.values())
    assert len(offered) == len(set(offered.values()))
    chosen = [pair for pair in offered.values() if pair in held]
    assert in_order(chosen, held) == held
    assert in_order([("a", "b"), *chosen], held) == (*held, ("a", "b"))


def test_neighbouring_surveys_and_policies_are_offered(declared: Path) -> None:
    (declared / "policy-cautious.yaml").write_text("x: 1\n")
    assert list(policies(declared, None)) == ["policy.yaml", "policy-cautious.yaml"]
    assert str(RIVERBEND) in candidates(RIVERBEND).values()
    assert len(candidates(ROOT / "examples" / "tampa-bay-2024")) >= 3
