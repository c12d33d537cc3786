"""What a policy allows, in the ledger's integers: caps, officers, approvals. A check answers with a refusal, or None.

Integers only: no amount of loss passes through a float on its way to a comparison. Claim: docs/claims/ledger.md.
"""

from collections.abc import Iterable
from fractions import Fraction

from privacy.accountant import epsilon_of, rho_of
from privacy.ledger_state import LedgerState, Scope, StandingApproval, scopes_of
from schemas.canonical import digest
from schemas.errors import BudgetRefused, DeclarationFault
from schemas.ledger import CapNano, CapsNano, Charge, PolicyInForce
from schemas.officers import officer_hex
from schemas.plan import NANO
from schemas.policy import Cap, Policy

LARGEST_CHARGE = 10**18
"""Nano-ρ. Beyond a thousand million ρ an amount is a mistake."""


def _as_written(number: float) -> Fraction:
    """The decimal a person wrote in policy.yaml: 0.3 is three tenths, not the double just below it."""
    return Fraction(repr(number))


def cap_nano(cap: Cap, delta: float) -> CapNano:
    """A cap in integers, rounded down. A cap in ε is worth `rho_of(ε, δ)`."""
    rho = Fraction(rho_of(cap.epsilon, delta)) if cap.epsilon is not None else _as_written(cap.rho or 0.0)
    pure = None if cap.pure_epsilon is None else int(_as_written(cap.pure_epsilon) * NANO)
    return CapNano(nano_rho=int(rho * NANO), nano_pure_epsilon=pure)


def caps_nano(policy: Policy) -> CapsNano:
    """The policy's caps in nano-ρ and nano pure ε, rounded down."""
    caps, delta = policy.caps, policy.delta
    return CapsNano(
        release=cap_nano(caps.release, delta),
        wave=cap_nano(caps.wave, delta),
        year=cap_nano(caps.year, delta),
        lifetime=cap_nano(caps.lifetime, delta),
    )


def officers_of(policy: Policy) -> tuple[str, ...]:
    """The officers' public keys in hexadecimal. Raises: DeclarationFault: malformed, or one key in two forms."""
    found: list[str] = []
    for position, officer in enumerate(policy.approvals.officers):
        where = f"policy.yaml: approvals.officers.{position}"
        try:
            key = officer_hex(officer)
        except ValueError as error:
            raise DeclarationFault("officer_key", str(error), where=where) from None
        if key in found:
            raise DeclarationFault("officer_twice", "the same officer is listed twice", where=where)
        found.append(key)
    return tuple(found)


def excluded_author(policy: Policy) -> str | None:
    """The key whose approval of this policy does not count, in hexadecimal. Raises: DeclarationFault: malformed."""
    author = policy.approvals.author
    if author is None or not policy.approvals.author_excluded:
        return None
    try:
        return officer_hex(author)
    except ValueError as error:
        raise DeclarationFault("officer_key", str(error), where="policy.yaml: approvals.author") from None


def policy_terms(policy: Policy, policy_digest: str, approval_seqs: Iterable[int] = ()) -> PolicyInForce:
    """What a POLICY event records. Raises: DeclarationFault."""
    author = excluded_author(policy)
    return PolicyInForce(
        **({} if author is None else {"author": author}),
        rest_digest=digest(policy.model_dump(mode="json", by_alias=True, exclude={"caps", "spend"})),
        population=policy.population,
        policy_digest=policy_digest,
        delta=policy.delta,
        caps=caps_nano(policy),
        officers=officers_of(policy),
        needed=policy.approvals.needed,
        approval_seqs=tuple(approval_seqs),
    )


def only_lowers(before: PolicyInForce, after: PolicyInForce) -> bool:
    """Whether a policy differs from the one before it in caps and spend alone, and no cap is higher.

    Such a policy needs nobody's approval; each of its charges needs as many officers as ever.
    """
    levels = ("release", "wave", "year", "lifetime")
    same = before.rest_digest is not None and before.rest_digest == after.rest_digest
    kept = (before.population, before.delta, before.needed, before.officers, before.author)
    same = same and kept == (after.population, after.delta, after.needed, after.officers, after.author)
    return same and all(_lower(getattr(before.caps, level), getattr(after.caps, level)) for level in levels)


def _lower(before: CapNano, after: CapNano) -> bool:
    pure_before, pure_after = before.nano_pure_epsilon, after.nano_pure_epsilon
    pure = pure_before is None or (pure_after is not None and pure_after <= pure_before)
    return pure and after.nano_rho <= before.nano_rho


def amount_refused(charge: Charge) -> BudgetRefused | None:
    """A charge is a positive whole number of nano-ρ, with pure ε for Laplace and without it for Gaussian."""
    rho, pure = charge.charge_nano_rho, charge.charge_nano_pure_epsilon
    if not _is_amount(rho):
        what = "the charge is not a positive whole number of nano-ρ"
    elif (pure is None) != (charge.mechanism == "discrete_gaussian") or (pure is not None and not _is_amount(pure)):
        what = "the charge's pure ε does not fit its mechanism"
    else:
        return None
    return BudgetRefused("charge_amount", what, where=f"release {charge.release_id}")


def _is_amount(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number <= LARGEST_CHARGE


def caps_refused(state: LedgerState, charge: Charge, terms: PolicyInForce) -> BudgetRefused | None:
    """Whether some scope would hold more than its cap, in either currency."""
    caps = (terms.caps.release, terms.caps.wave, terms.caps.year, terms.caps.lifetime)
    for scope, cap in zip(scopes_of(charge), caps, strict=True):
        refused = _cap_refused(state, charge, scope, cap, terms.delta)
        if refused is not None:
            return refused
    return None


def _cap_refused(state: LedgerState, charge: Charge, scope: Scope, cap: CapNano, delta: float) -> BudgetRefused | None:
    before, place = state.spent_in(scope), f"policy.yaml: caps.{scope.level}"
    after = before.plus(charge)
    if after.nano_rho > cap.nano_rho:
        left = max(0, cap.nano_rho - before.nano_rho)
        asked, has, total = (_rho(amount, delta) for amount in (charge.charge_nano_rho, left, cap.nano_rho))
    elif cap.nano_pure_epsilon is None:
        return None
    elif after.nano_pure_epsilon is None:
        what = f"{scope} is capped in pure ε, and Gaussian noise has none"
        return BudgetRefused("pure_cap_gaussian", what, where=place, do="Set noise: laplace")
    elif after.nano_pure_epsilon > cap.nano_pure_epsilon:
        left = max(0, cap.nano_pure_epsilon - (before.nano_pure_epsilon or 0))
        asked, has, total = (_pure(x) for x in (charge.charge_nano_pure_epsilon, left, cap.nano_pure_epsilon))
    else:
        return None
    what = f"the charge asks for {asked}, but {scope} has {has} left of {total}"
    advice = "Plan a smaller spend, or have the officers approve another policy"
    return BudgetRefused("cap_exceeded", what, where=place, do=advice)


def _rho(nano_rho: int, delta: float) -> str:
    epsilon = epsilon_of(nano_rho / NANO, delta)
    return f"ρ {nano_rho / NANO:.6g} ({'no meaningful ε' if epsilon is None else f'ε {epsilon:.3g}'} at δ {delta:g})"


def _pure(nano_epsilon: int | None) -> str:
    return f"pure ε {(nano_epsilon or 0) / NANO:.6g}"


def approves(approval: StandingApproval, charge: Charge) -> bool:
    """Whether an approval is of exactly what this charge is for, drawn by exactly the program that was approved."""
    return _of_the_plan(approval, charge) and approval.statement.code_digest in {None, charge.code_digest}


def _of_the_plan(approval: StandingApproval, charge: Charge) -> bool:
    said = approval.statement
    return (said.population, said.plan_digest, said.survey_digest, said.policy_digest) == (
        charge.population,
        charge.plan_digest,
        charge.survey_digest,
        charge.policy_digest,
    )


def _may_approve(officer: str, terms: PolicyInForce) -> bool:
    return officer in terms.officers and officer != terms.author


def pick_approvals(
    state: LedgerState, charge: Charge, terms: PolicyInForce, time: str
) -> tuple[int, ...] | BudgetRefused:
    """The approvals this charge uses, the first to expire of each of `needed` distinct officers; or why there are none.

    `time` is the later of the clock and the last event's time, so that a clock set back revives nothing.
    """
    if not terms.needed:
        return ()
    known = [a for a in state.approvals.values() if _may_approve(a.officer, terms)]
    mine = [a for a in known if approves(a, charge)]
    alive = [a for a in mine if a.statement.expires > time]
    usable = sorted((a for a in alive if a.left > 0), key=lambda a: (a.statement.expires, a.seq))
    first_of = {a.officer: a for a in reversed(usable)}
    if len(first_of) >= terms.needed:
        chosen = sorted(first_of.values(), key=lambda a: (a.statement.expires, a.seq))[: terms.needed]
        return tuple(sorted(a.seq for a in chosen))
    there = f"{len(first_of)} of {terms.needed} approvals of this plan can be used"
    place, advice = "policy.yaml: approvals", "Let an officer run hearsafe approve"
    if len({a.officer for a in alive}) >= terms.needed:
        what = f"{there}: the others have paid for all their charges"
        return BudgetRefused("approval_used_up", what, where=place, do=advice)
    if len({a.officer for a in mine}) >= terms.needed:
        return BudgetRefused("approval_expired", f"{there}: the others have expired", where=place, do=advice)
    others = [a for a in known if not approves(a, charge)]
    if any(_of_the_plan(a, charge) for a in others):
        what = f"{there}: those given are for another version of hearsafe"
        return BudgetRefused("approval_code_changed", what, where=place, do=advice)
    if any(a.statement.population == charge.population for a in others):
        there += "; those given are of another plan"
    return BudgetRefused("approval_missing", there, where=place, do=advice)


def approvals_broken(state: LedgerState, charge: Charge, terms: PolicyInForce, time: str) -> str | None:
    """What is wrong with the approvals a recorded charge lists; None where it used them rightly."""
    used = [state.approvals.get(seq) for seq in charge.approval_seqs]
    found = [a for a in used if a is not None]
    if len(found) != len(used) or len(used) != terms.needed:
        return "it lists other approvals than the policy needs"
    if len({a.officer for a in found}) != len(found) or not all(_may_approve(a.officer, terms) for a in found):
        return "its approvals are not of distinct officers"
    if any(not approves(a, charge) or a.left < 1 or a.statement.expires <= time for a in found):
        return "an approval is of something else, used up or expired"
    return None
