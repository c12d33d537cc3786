import base64
import stat
from pathlib import Path

import pytest

from pipelines.ledger.approvals import approve, approve_where_lacking, new_officer_key, thaw
from pipelines.ledger.signing import SigningKey
from privacy.ledger_limits import officers_of
from schemas.canonical import digest
from schemas.errors import BudgetRefused, DeclarationFault, Fault, IntegrityFault, ZoneFault
from schemas.ledger import EventKind
from schemas.officers import officer_hex
from tests.ledger_sample import World, a_charge, a_plan, a_policy


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


def test_an_approved_plan_is_charged_and_the_policy_comes_into_force_with_the_approval(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,))
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy), policy)
    assert "adults" not in ledger.state().policies
    approved = approve(ledger, a_plan(policy), policy, key)
    assert ledger.state().policies["adults"].policy.approval_seqs == (approved.seq,)
    charged = ledger.charge(a_charge(policy), policy)
    assert charged.body["approval_seqs"] == [approved.seq]
    kinds = [event.kind.value for event in ledger.events()]
    assert kinds == ["OPENED", "REFUSED", "PLANNED", "APPROVED", "POLICY", "CHARGED"]
    assert world.open().state().approvals[approved.seq].left == 0


def test_an_approval_pays_for_its_number_of_charges(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,), charges=2)
    approve(ledger, a_plan(policy), policy, key)
    ledger.charge(a_charge(policy, 1), policy)
    ledger.charge(a_charge(policy, 2), policy)
    with refused(BudgetRefused, "approval_used_up"):
        ledger.charge(a_charge(policy, 3), policy)
    approve(ledger, a_plan(policy), policy, key)
    ledger.charge(a_charge(policy, 3), policy)


def test_a_signature_at_hand_is_given_where_a_charge_lacks_it(world: World, tmp_path: Path) -> None:
    ledger = world.open()
    (first, first_name), (second, second_name) = world.officer("first"), world.officer("second")
    policy = a_policy(needed=2, officers=(first_name, second_name))
    plan = a_plan(policy)
    assert approve_where_lacking(ledger, plan, policy, first) is not None
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy, 1), policy)
    assert approve_where_lacking(ledger, plan, policy, second) is not None
    assert approve_where_lacking(world.open(), plan, policy, first) is None
    assert approve_where_lacking(ledger, plan, policy, tmp_path / "unplugged.pem") is None, "it is not needed"
    ledger.charge(a_charge(policy, 1), policy)
    with refused(ZoneFault, "officer_key_missing"):
        approve_where_lacking(ledger, plan, policy, tmp_path / "unplugged.pem")
    assert approve_where_lacking(ledger, plan, policy, first) is not None


def test_two_officers_are_two_people(world: World) -> None:
    ledger = world.open()
    first, first_name = world.officer("first")
    second, second_name = world.officer("second")
    policy = a_policy(needed=2, officers=(first_name, second_name))
    approve(ledger, a_plan(policy), policy, first)
    approve(ledger, a_plan(policy), policy, first)
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy), policy)
    approve(ledger, a_plan(policy), policy, second)
    assert len(ledger.charge(a_charge(policy), policy).body["approval_seqs"]) == 2
    with refused(BudgetRefused, "approval_used_up"):
        ledger.charge(a_charge(policy, 2), policy)


def test_an_approval_is_of_one_plan(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,))
    approve(ledger, a_plan(policy, name="another plan"), policy, key)
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy), policy)
    with refused(BudgetRefused, "approval_missing"):
        ledger.charge(a_charge(policy, survey_digest="0" * 64), policy)


def test_who_is_not_an_officer_approves_nothing(world: World) -> None:
    ledger = world.open()
    _, name = world.officer("officer")
    stranger, _ = world.officer("stranger")
    policy = a_policy(needed=1, officers=(name,))
    with refused(BudgetRefused, "not_an_officer"):
        approve(ledger, a_plan(policy), policy, stranger)
    assert len(ledger.events()) == 1


def test_a_plan_of_another_policy_is_not_approved(world: World) -> None:
    key, name = world.officer("officer")
    policy, other = a_policy(needed=1, officers=(name,)), a_policy(needed=1, officers=(name,), margin=20)
    with refused(BudgetRefused, "policy_mismatch"):
        approve(world.open(), a_plan(other), policy, key)


def test_approvals_expire_and_a_clock_set_back_revives_none(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,), charges=9, expires_days=14)
    approve(ledger, a_plan(policy), policy, key)
    world.clock.turn(days=14, seconds=-1)
    ledger.charge(a_charge(policy, 1), policy)
    world.clock.turn(seconds=1)
    with refused(BudgetRefused, "approval_expired"):
        ledger.charge(a_charge(policy, 2), policy)
    world.clock.turn(days=-13)
    with refused(BudgetRefused, "approval_expired"):
        ledger.charge(a_charge(policy, 2), policy)
    approve(ledger, a_plan(policy), policy, key)
    ledger.charge(a_charge(policy, 2), policy)


@pytest.mark.parametrize("days", [-3650, 3650])
def test_a_clock_ten_years_off_breaks_nothing(world: World, days: int) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,), charges=9)
    world.clock.turn(days=days)
    approve(ledger, a_plan(policy), policy, key)
    world.clock.turn(days=-days)
    approve(ledger, a_plan(policy), policy, key)
    ledger.charge(a_charge(policy), policy)
    times = [event.time for event in world.open().events()]
    assert times == sorted(times)


def test_another_policy_needs_the_officers_in_force_not_those_it_names(world: World) -> None:
    ledger = world.open()
    old_key, old_name = world.officer("old")
    new_key, new_name = world.officer("new")
    old = a_policy(needed=1, officers=(old_name,), charges=5)
    new = a_policy(needed=1, officers=(new_name,), charges=5, caps={c: {"rho": 100} for c in old.caps.model_dump()})
    approve(ledger, a_plan(old), old, old_key)
    ledger.charge(a_charge(old), old)
    approve(ledger, a_plan(new), new, new_key)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(new, 2), new)
    approve(ledger, a_plan(new), new, old_key)
    assert ledger.state().policies["adults"].policy.policy_digest == digest(new)
    ledger.charge(a_charge(new, 2), new)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(old, 3), old)
    assert world.open().spent("adults", 2026, "community", "2026").lifetime.spent_nano_rho == 200_000_000


def test_two_officers_in_force_both_agree_to_another_policy(world: World) -> None:
    ledger = world.open()
    first, first_name = world.officer("first")
    second, second_name = world.officer("second")
    old = a_policy(needed=2, officers=(first_name, second_name))
    new = a_policy(needed=0)
    for key in (first, second):
        approve(ledger, a_plan(old), old, key)
    approve(ledger, a_plan(new), new, first)
    approve(ledger, a_plan(new), new, first)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(new), new)
    approve(ledger, a_plan(new), new, second)
    ledger.charge(a_charge(new), new)


def test_an_agreement_from_before_the_policy_in_force_counts_no_more(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policies = [a_policy(needed=1, officers=(name,), charges=9, margin=margin) for margin in (10, 20)]
    for policy in policies:
        approve(ledger, a_plan(policy), policy, key)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(policies[0]), policies[0])


def test_without_officers_another_policy_comes_into_force_with_its_first_charge(world: World) -> None:
    ledger, first, second = world.open(), a_policy(), a_policy(margin=20)
    ledger.charge(a_charge(first), first)
    ledger.charge(a_charge(second, 2), second)
    kinds = [event.kind.value for event in ledger.events()]
    assert kinds == ["OPENED", "POLICY", "CHARGED", "POLICY", "CHARGED"]


def test_a_second_account_for_the_same_residents_needs_the_officers_of_the_first(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    policy, renamed = a_policy(needed=1, officers=(name,)), a_policy(population="grown-ups")
    approve(ledger, a_plan(policy), policy, key)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(renamed, survey="other"), renamed)
    approve(ledger, a_plan(renamed), renamed, key)
    ledger.charge(a_charge(renamed, survey="other"), renamed)


def test_an_account_from_before_the_officers_does_not_escape_them(world: World) -> None:
    ledger = world.open()
    early, richer = a_policy(population="shadow"), a_policy(population="shadow", caps=generous())
    ledger.charge(a_charge(early, survey="other"), early)
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,))
    approve(ledger, a_plan(policy), policy, key)
    with refused(BudgetRefused, "policy_not_approved"):
        ledger.charge(a_charge(richer, 2, survey="other"), richer)
    ledger.charge(a_charge(early, 3, survey="other"), early)


def generous() -> dict[str, dict[str, float]]:
    return {level: {"rho": 1000.0} for level in ("release", "wave", "year", "lifetime")}


def test_officers_are_written_in_three_ways_and_are_one(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    raw = bytes.fromhex(officer_hex(name))
    forms = [name.upper().replace("ED25519", "ed25519")]
    forms += [f"ed25519:{encode(raw).decode()}" for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    forms += [form.rstrip("=") for form in forms[1:]]
    assert {officer_hex(form) for form in forms} == {raw.hex()}
    for number, form in enumerate(forms):
        population = f"adults-{number}"
        policy = a_policy(population=population, needed=1, officers=(form,))
        approve(ledger, a_plan(policy), policy, key)
        ledger.charge(a_charge(policy, number, survey=population), policy)
    with refused(DeclarationFault, "officer_twice"):
        officers_of(a_policy(needed=2, officers=tuple(forms[:2])))


def test_one_officer_has_one_base64_spelling() -> None:
    spelled = base64.b64encode(bytes(31) + b"\x01").decode()
    others = [spelled[:42] + last + "=" for last in "BCDFGHJKLNOP" if last != spelled[42]]
    for other in others:
        with pytest.raises(ValueError, match="32 bytes"):
            officer_hex("ed25519:" + other)
    for wrong in ("00" * 32, "ed25519:", "ed25519:zz", "ed25519:" + "0" * 63, "ed25519:" + "A" * 44):
        with pytest.raises(ValueError, match="officer"):
            officer_hex(wrong)


def test_officer_keys_are_private_and_never_overwritten(world: World) -> None:
    path, _ = world.officer("officer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with refused(ZoneFault, "officer_key_exists"):
        new_officer_key(path)
    with refused(ZoneFault, "officer_key_unwritable"):
        new_officer_key(path.parent / "nowhere" / "officer.pem")


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_cannot_be_read_is_named(world: World, content: bytes | None) -> None:
    path, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with refused(ZoneFault, "officer_key_missing" if content is None else "officer_key_unreadable"):
        approve(world.open(), a_plan(policy), policy, path)


def test_frozen_means_no_charge_until_an_officer_in_force_lifts_it(world: World) -> None:
    ledger = world.open()
    key, name = world.officer("officer")
    stranger, _ = world.officer("stranger")
    policy = a_policy(needed=1, officers=(name,))
    approve(ledger, a_plan(policy), policy, key)
    ledger.record(EventKind.FROZEN, {"reason": "under review"})
    with refused(BudgetRefused, "frozen"):
        ledger.charge(a_charge(policy), policy)
    with refused(IntegrityFault, "ledger_transition"):
        ledger.record(EventKind.THAWED, {})
    with refused(BudgetRefused, "not_an_officer"):
        thaw(ledger, stranger)
    thaw(ledger, key)
    with refused(BudgetRefused, "not_frozen"):
        thaw(ledger, key)
    ledger.charge(a_charge(policy), policy)
    assert world.open().state().frozen_seq is None


def test_without_officers_anyone_lifts_a_freeze(world: World) -> None:
    ledger = world.open()
    ledger.record(EventKind.FROZEN, {})
    ledger.record(EventKind.THAWED, {})
    assert ledger.state().frozen_seq is None


def test_a_signing_key_shows_nothing() -> None:
    assert "Ed25519" not in repr(SigningKey.new())
