"""What a plan costs now, this year and for ever, in ε and in words; and how it stands with approvals."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.declarations import Declarations, load_declarations
from pipelines.ledger.approvals import approvals_given, approve
from pipelines.ledger.store import Ledger
from pipelines.planning import cap_changes, planned, scopes_left
from pipelines.prior_release import with_earlier_belief
from pipelines.workspace import has_traces_of_ledger, open_workspace
from privacy.accountant import epsilon_of
from privacy.ledger_state import LedgerState, lifetime_scope, year_scope
from privacy.odds import odds, percent_words
from schemas.canonical import digest
from schemas.plan import NANO, Plan
from schemas.policy import Policy


@dataclass(frozen=True)
class ScopeCost:
    """A scope before and after the plan, as ε at the policy's δ; None where that has no meaning. Shares are of ρ."""

    scope: str
    before: float | None
    after: float | None
    cap: float | None
    before_share: float
    after_share: float

    @property
    def fits(self) -> bool:
        """Whether the cap allows the plan."""
        return self.after_share <= 1.0


def ledger_state(root: Path, witness: Path | None = None) -> LedgerState:
    """The workspace's ledger as it stands; an empty state where none was begun. Raises: IntegrityFault, ZoneFault."""
    if not has_traces_of_ledger(root):
        return LedgerState()
    return Ledger.open(open_workspace(root), witness=witness).state()


def declared(directory: Path, policy_file: Path, root: Path, witness: Path | None = None) -> Declarations:
    """The declarations, with what an earlier release of the workspace learned where the policy names one.

    Raises: DeclarationFault, IntegrityFault, ZoneFault.
    """
    declarations = load_declarations(directory, policy_file)
    if declarations.policy.prior.from_release is None:
        return declarations
    key = Ledger.open(open_workspace(root), witness=witness).public_key_hex if has_traces_of_ledger(root) else None
    return with_earlier_belief(declarations, root, key)


def costs(state: LedgerState, plan: Plan, policy: Policy) -> tuple[ScopeCost, ...]:
    """The wave, year and lifetime that the plan is booked on."""
    found: list[ScopeCost] = []
    for left in scopes_left(state, plan, policy):
        after = left.spent_nano_rho + plan.charge_nano_rho
        cap = max(left.cap_nano_rho, 1)
        found.append(
            ScopeCost(
                scope=str(left.scope),
                before=_epsilon(left.spent_nano_rho, plan.delta),
                after=_epsilon(after, plan.delta),
                cap=_epsilon(left.cap_nano_rho, plan.delta),
                before_share=left.spent_nano_rho / cap,
                after_share=after / cap,
            )
        )
    return tuple(found)


def _epsilon(nano_rho: int, delta: float) -> float | None:
    return epsilon_of(nano_rho / NANO, delta) if nano_rho else 0.0


def odds_words(state: LedgerState, plan: Plan) -> tuple[str, str, str]:
    """What this release, this year and all time could tell somebody about one resident, for an officer to say aloud."""
    pure = plan.charge_nano_pure_epsilon
    amounts = [("This release", plan.charge_nano_rho, pure)]
    for words, scope in (
        ("Everything this year, with it,", year_scope(plan.population, plan.year)),
        ("Everything ever, with it,", lifetime_scope(plan.population)),
    ):
        spent = state.spent_in(scope)
        both = None if pure is None or spent.nano_pure_epsilon is None else spent.nano_pure_epsilon + pure
        amounts.append((words, spent.nano_rho + plan.charge_nano_rho, both))
    one, year, ever = (_odds_sentence(*amount, plan) for amount in amounts)
    return one, year, ever


def _odds_sentence(what: str, nano_rho: int, nano_pure: int | None, plan: Plan) -> str:
    found = odds(nano_rho, nano_pure, plan.delta, charged_as_exchange=plan.shared_keys)
    return (
        f"{what} could move a 50:50 guess about one resident's answer to {percent_words(found.answered_pct)}, "
        f"and about whether they took part to {percent_words(found.took_part_pct)}."
    )


@dataclass(frozen=True)
class Standing:
    """How the declarations on disk stand: their plan, approvals given and needed, and caps an approval would change."""

    plan_digest: str
    given: int
    needed: int
    cap_changes: tuple[str, ...]


def standing(state: LedgerState, declarations: Declarations) -> Standing:
    """Raises: DeclarationFault: no plan can be made."""
    plan = planned(declarations)
    delta = declarations.policy.delta
    changes = tuple(
        f"{c['scope']}: ε {_shown(int(c['before_nano_rho']), delta)} → {_shown(int(c['after_nano_rho']), delta)}"
        for c in cap_changes(state, declarations.policy)
    )
    needed = declarations.policy.approvals.needed
    return Standing(digest(plan), approvals_given(state, plan, state.time), needed, changes)


def _shown(nano_rho: int, delta: float) -> str:
    epsilon = _epsilon(nano_rho, delta)
    return "–" if epsilon is None else f"{epsilon:.3g}"


def sign(root: Path, declarations: Declarations, officer_key: Path, witness: Path | None = None) -> str:
    """Approve the plan of the declarations on disk, as `hearsafe approve` does. Returns: what was signed, in words.

    Raises: ZoneFault, BudgetRefused, DeclarationFault, IntegrityFault.
    """
    plan = planned(declarations)
    event = approve(Ledger.open(open_workspace(root), witness=witness), plan, declarations.policy, officer_key)
    said = event.body["statement"]
    return f"Approved: plan {digest(plan)[:12]}, worth {said['charges']} charges until {said['expires']}"
