"""Officers' signatures: approving a plan under a policy, and lifting a freeze.

An approval names the ledger and the digests of plan, survey, policy and program; it expires, and is worth a number of
charges.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.code_version import code_digest
from pipelines.ledger.chain import statement_bytes
from pipelines.ledger.draft import Draft
from pipelines.ledger.signing import SigningKey, read_key
from pipelines.ledger.store import Ledger
from privacy.ledger_limits import excluded_author, officers_of
from privacy.ledger_rules import LedgerState, adoption, time_text
from schemas.canonical import digest
from schemas.errors import BudgetRefused, ZoneFault
from schemas.ledger import (
    Approval,
    ApprovalStatement,
    Event,
    EventKind,
    Planned,
    PolicyInForce,
    Thaw,
    ThawStatement,
)
from schemas.officers import PREFIX
from schemas.plan import Plan
from schemas.policy import Policy


def new_officer_key(path: Path) -> str:
    """Make an officer's key pair: the private key in a PEM file (0600), never over another file.

    Returns: the officer's name for policy.yaml. Raises: ZoneFault: the file exists or cannot be written.
    """
    key = SigningKey.new()
    try:
        key.write(path)
    except FileExistsError:
        what = "there is a file of this name already, and a key is never overwritten"
        raise ZoneFault("officer_key_exists", what, where=str(path), do="Name another file") from None
    except OSError:
        raise ZoneFault("officer_key_unwritable", "the officer key cannot be written", where=str(path)) from None
    return PREFIX + key.public_key_hex


def approvals_given(state: LedgerState, plan: Plan, at: str = "") -> int:
    """How many officers have approved exactly this plan and program, with charges left and not expired `at` a time."""
    mine = [
        approval
        for approval in state.approvals.values()
        if approval.statement.plan_digest == digest(plan)
        and approval.statement.code_digest in {None, code_digest()}
        and approval.left > 0
        and approval.statement.expires > at
    ]
    return len({approval.officer for approval in mine})


def approve(ledger: Ledger, plan: Plan, policy: Policy, officer_key: Path) -> Event:
    """Sign a plan, and with it the policy it was made under. Returns: the APPROVED event.

    Records PLANNED before it where the plan is new, and POLICY after it where this approval was the last one needed to
    put the policy in force.

    Raises: ZoneFault: the key cannot be read. DeclarationFault. BudgetRefused: `not_an_officer`, `author_approves`,
        `policy_mismatch`.
    """
    return ledger.transact(_signing(plan, policy, officer_key))


def approve_where_lacking(ledger: Ledger, plan: Plan, policy: Policy, officer_key: Path) -> Event | None:
    """As `approve`, where a charge of this plan lacks approvals. The key is read only then.

    Returns: the APPROVED event; None where there are enough.
    """

    def write(draft: Draft) -> Event | None:
        enough = approvals_given(draft.state, plan, draft.time) >= max(policy.approvals.needed, 1)
        return None if enough else _signing(plan, policy, officer_key)(draft)

    return ledger.transact(write)


def _signing(plan: Plan, policy: Policy, officer_key: Path) -> Callable[[Draft], Event]:
    key = read_key(officer_key, "officer")
    if plan.population != policy.population or plan.policy_digest != digest(policy):
        what = "the plan was made under another policy than this one"
        raise BudgetRefused("policy_mismatch", what, where="policy.yaml", do="Plan again with this policy")
    own = officers_of(policy)

    def write(draft: Draft) -> Event:
        authority = draft.state.authority(policy.population)
        in_force = () if authority is None else authority.policy.officers
        if key.public_key_hex not in {*own, *in_force}:
            what = "this key is of no officer of the policy"
            raise BudgetRefused("not_an_officer", what, where=str(officer_key), do="Use the key of an officer it lists")
        if key.public_key_hex == excluded_author(policy):
            what = "this key is of the policy's author, who does not approve their own work"
            raise BudgetRefused("author_approves", what, where=str(officer_key), do="Ask another officer")
        planned = _planned(plan)
        if draft.standing(EventKind.PLANNED, planned) is None:
            draft.append(EventKind.PLANNED, planned)
        approved = draft.append(EventKind.APPROVED, _signed(draft, plan, policy, key))
        adopted = _completed(draft, policy, plan, own)
        if adopted is not None:
            draft.append(EventKind.POLICY, adopted)
        return approved

    return write


def thaw(ledger: Ledger, officer_key: Path | None) -> Event:
    """Lift the freeze, signed by an officer of a policy in force; by anybody where no policy in force has officers.

    Raises: ZoneFault, BudgetRefused: `not_frozen`, `not_an_officer`, `officer_needed`.
    """
    key = None if officer_key is None else read_key(officer_key, "officer")

    def write(draft: Draft) -> Event:
        if draft.state.frozen_seq is None:
            raise BudgetRefused("not_frozen", "charges are not frozen")
        if key is None:
            if draft.state.officers():
                raise officer_needed("lifting a freeze")
            return draft.append(EventKind.THAWED, Thaw())
        statement = ThawStatement(
            format="hearsafe-thaw/1", ledger_id=draft.state.ledger_id, frozen_seq=draft.state.frozen_seq
        )
        require_officer(draft, key, officer_key)
        signature = key.sign(statement_bytes(statement))
        return draft.append(
            EventKind.THAWED, Thaw(statement=statement, officer=key.public_key_hex, signature=signature)
        )

    return ledger.transact(write)


def lower(ledger: Ledger, policy: Policy) -> Event:
    """Put a policy in force at once that only lowers caps, or whose approvals are complete. Returns: the POLICY event.

    Raises: BudgetRefused: `policy_in_force`: nothing changes; `policy_not_approved`. DeclarationFault.
    """

    def write(draft: Draft) -> Event:
        adopted = adoption(draft.state, policy, digest(policy), draft.time)
        if adopted is None:
            raise BudgetRefused("policy_in_force", "this policy is in force already", where="policy.yaml")
        if isinstance(adopted, BudgetRefused):
            raise adopted
        return draft.append(EventKind.POLICY, adopted)

    return ledger.transact(write)


def officer_needed(what: str) -> BudgetRefused:
    """The fault of asking for something that an officer decides."""
    return BudgetRefused(
        "officer_needed", f"{what} needs an officer's signature", where="--officer-key", do="Give an officer's key"
    )


def require_officer(draft: Draft, key: SigningKey, officer_key: Path | None) -> None:
    """Raises: BudgetRefused `not_an_officer`: some policy in force has officers, and the key is of none of them."""
    officers = draft.state.officers()
    if officers and key.public_key_hex not in officers:
        what = "this key is of no officer of a policy in force"
        raise BudgetRefused("not_an_officer", what, where=str(officer_key), do="Use the key of an officer")


def _planned(plan: Plan) -> Planned:
    return Planned(
        plan_digest=digest(plan),
        survey_digest=plan.survey_digest,
        policy_digest=plan.policy_digest,
        population=plan.population,
        survey=plan.survey,
        wave=plan.wave,
        year=plan.year,
        charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon,
    )


def _signed(draft: Draft, plan: Plan, policy: Policy, key: SigningKey) -> Approval:
    start = datetime.strptime(draft.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    statement = ApprovalStatement(
        format="hearsafe-approval/1",
        ledger_id=draft.state.ledger_id,
        population=policy.population,
        plan_digest=digest(plan),
        survey_digest=plan.survey_digest,
        policy_digest=plan.policy_digest,
        prior_release=policy.prior.from_release,
        charges=policy.approvals.charges,
        expires=time_text(start + timedelta(days=policy.approvals.expires_days)),
        code_digest=code_digest(),
    )
    return Approval(statement=statement, officer=key.public_key_hex, signature=key.sign(statement_bytes(statement)))


def _completed(draft: Draft, policy: Policy, plan: Plan, own: tuple[str, ...]) -> PolicyInForce | None:
    """The policy, if it comes into force with the approval just drafted.

    Where officers are in force, when enough of them approved it; at first use, when enough of its own did.
    """
    adopted = adoption(draft.state, policy, plan.policy_digest, draft.time)
    if adopted is None or isinstance(adopted, BudgetRefused):
        return None
    if draft.state.authority(policy.population) is not None:
        return adopted
    signed: dict[str, int] = {}
    author = excluded_author(policy)
    for approval in draft.state.approvals.values():
        of_this = approval.statement.policy_digest == plan.policy_digest and approval.statement.expires > draft.time
        if of_this and approval.officer in own and approval.officer != author:
            signed.setdefault(approval.officer, approval.seq)
    if len(signed) < max(1, policy.approvals.needed):
        return None
    return adopted.model_copy(update={"approval_seqs": tuple(sorted(signed.values()))})
