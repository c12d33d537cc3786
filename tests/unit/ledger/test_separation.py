"""Who may do what: authors do not approve themselves, approvals name the program, lowering is free, raising is not."""

import pytest

from pipelines.ledger import approvals
from pipelines.ledger.approvals import approve, lower, thaw
from pipelines.ledger.draft import Draft
from pipelines.ledger.signing import read_key
from privacy.ledger_limits import policy_terms
from schemas.canonical import digest
from schemas.errors import BudgetRefused, Fault, IntegrityFault
from schemas.ledger import EventKind
from schemas.policy import Policy
from tests.ledger_sample import World, a_charge, a_plan, a_policy

LEVELS = ("release", "wave", "year", "lifetime")


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


def caps(rho: float, **others: float) -> dict[str, dict[str, float]]:
    return {level: {"rho": others.get(level, rho)} for level in LEVELS}


def test_the_author_of_a_policy_does_not_approve_it(world: World) -> None:
    ledger = world.open()
    author, author_name = world.officer("author")
    first, first_name = world.officer("first")
    second, second_name = world.officer("second")
    policy = a_policy(needed=2, officers=(author_name, first_name, second_name), author=author_name)
    with refused(BudgetRefused, "author_approves"):
        approve(ledger, a_plan(policy), policy, author)
    approve(ledger, a_plan(policy), policy, first)
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy), policy)
    approve(ledger, a_plan(policy), policy, second)
    assert ledger.state().policies["adults"].policy.author == author_name.removeprefix("ed25519:")
    assert len(ledger.charge(a_charge(policy), policy).body["approval_seqs"]) == 2


def test_an_author_brings_no_policy_into_force_that_they_wrote(world: World) -> None:
    """Not even with an approval from before, which was of the same policy file and was theirs to give."""
    ledger = world.open()
    author, author_name = world.officer("author")
    other, other_name = world.officer("other")
    mine = {"needed": 1, "officers": (author_name, other_name), "charges": 9}
    policy = a_policy(**mine)
    approve(ledger, a_plan(policy), policy, other)
    wider = a_policy(**mine, caps=caps(3), author=author_name)
    with refused(BudgetRefused, "author_approves"):
        approve(ledger, a_plan(wider), wider, author)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(wider), wider)
    approve(ledger, a_plan(wider), wider, other)
    ledger.charge(a_charge(wider), wider)


def test_an_authors_own_signature_in_the_ledger_counts_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever skips the program's check writes an approval that no charge may use, and a ledger that still opens."""
    ledger = world.open()
    author, author_name = world.officer("author")
    policy = a_policy(needed=1, officers=(author_name, world.officer("other")[1]), author=author_name)
    monkeypatch.setattr(approvals, "excluded_author", lambda _: None)
    approve(ledger, a_plan(policy), policy, author)
    monkeypatch.undo()
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy), policy)
    world.open()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"author_excluded": True}, "needs an author"),
        ({"author_excluded": True, "author": "ed25519:" + "a" * 64}, "other than the author"),
        ({"author": "somebody"}, "is written ed25519"),
    ],
)
def test_an_exclusion_that_cannot_work_is_no_policy(changes: dict[str, object], what: str) -> None:
    plain = a_policy(needed=1, officers=("ed25519:" + "a" * 64,)).model_dump(mode="json", exclude_unset=True)
    plain["approvals"] |= changes
    with pytest.raises(ValueError, match=what):
        Policy.model_validate(plain)


def test_an_approval_is_of_the_program_that_draws(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,), charges=2)
    approved = approve(ledger, a_plan(policy), policy, key)
    assert approved.body["statement"]["code_digest"] == a_charge(policy).code_digest
    with refused(BudgetRefused, "approval_code_changed"):
        ledger.charge(a_charge(policy, code_digest="0" * 64), policy)
    with refused(BudgetRefused, "approval_code_changed"):
        ledger.charge(a_charge(policy, code_digest=None), policy)
    ledger.charge(a_charge(policy), policy)


def test_an_approval_from_before_programs_were_named_still_reads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,))
    plain = approvals.ApprovalStatement
    monkeypatch.setattr(
        approvals, "ApprovalStatement", lambda **said: plain(**{k: v for k, v in said.items() if k != "code_digest"})
    )
    approved = approve(ledger, a_plan(policy), policy, key)
    monkeypatch.undo()
    assert "code_digest" not in approved.body["statement"]
    world.open().charge(a_charge(policy), policy)


def test_lower_caps_hold_at_once_and_raising_them_again_needs_the_officers(world: World) -> None:
    key, name = world.officer("officer")
    of = {"needed": 1, "officers": (name,), "charges": 9}
    high, low = a_policy(**of, caps=caps(1)), a_policy(**of, caps=caps(1, year=0.2))
    ledger = world.open()
    approve(ledger, a_plan(high), high, key)
    lowered = lower(ledger, low)
    assert lowered.kind is EventKind.POLICY
    assert lowered.body["approval_seqs"] == []
    assert world.open().state().policies["adults"].policy.policy_digest == digest(low)
    with refused(BudgetRefused, "policy_in_force"):
        lower(ledger, low)
    with refused(BudgetRefused, "policy_not_approved"):
        lower(ledger, high)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(high), high)
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(low), low)
    approve(ledger, a_plan(low), low, key)
    ledger.charge(a_charge(low, 1), low)
    ledger.charge(a_charge(low, 2), low)
    with refused(BudgetRefused, "cap_exceeded"):
        ledger.charge(a_charge(low, 3), low)


@pytest.mark.parametrize(
    "changes",
    [
        {"caps": caps(1, wave=1.1)},
        {"caps": caps(0.5), "delta": 1e-5},
        {"caps": caps(0.5), "needed": 1},
        {"caps": caps(0.5), "margin": 20},
        {"caps": caps(0.5), "expires_days": 3000},
        {"caps": caps(0.5), "charges": 1000},
    ],
)
def test_what_changes_anything_else_is_no_lowering(world: World, changes: dict[str, object]) -> None:
    keys = [world.officer(name) for name in ("one", "two")]
    of = {"needed": 2, "officers": tuple(name for _, name in keys), "caps": caps(1)}
    policy = a_policy(**of)
    ledger = world.open()
    for key, _ in keys:
        approve(ledger, a_plan(policy), policy, key)
    with refused(BudgetRefused, "policy_not_approved"):
        lower(ledger, a_policy(**(of | changes)))


def test_the_fold_itself_refuses_an_unapproved_raise(world: World) -> None:
    """The ledger's own key cannot sign a raise into force: whoever opens the ledger refuses it."""
    key, name = world.officer("officer")
    of = {"needed": 1, "officers": (name,)}
    low, high = a_policy(**of, caps=caps(0.5)), a_policy(**of, caps=caps(0.6))
    ledger = world.open()
    approve(ledger, a_plan(low), low, key)
    signing = read_key(world.root / "keys" / "ledger.key", "ledger")
    draft = Draft(ledger.events(), signing, world.clock())
    with refused(IntegrityFault, "ledger_transition"):
        draft.append(EventKind.POLICY, policy_terms(high, digest(high)))


def test_lifting_a_freeze_without_a_key_is_for_ledgers_without_officers(world: World) -> None:
    ledger = world.open()
    ledger.record(EventKind.FROZEN, {"reason": "x"})
    thaw(ledger, None)
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,))
    approve(ledger, a_plan(policy), policy, key)
    ledger.record(EventKind.FROZEN, {"reason": "y"})
    with refused(BudgetRefused, "officer_needed"):
        thaw(ledger, None)
    with refused(BudgetRefused, "frozen"):
        ledger.charge(a_charge(policy), policy)
    thaw(ledger, key)
    ledger.charge(a_charge(policy), policy)
