"""The ledger on paper: scopes, unfinished charges, refusals, approvals."""

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from flows.words import epsilon_at, loss_text
from schemas.plan import NANO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.table import Table

    from pipelines.ledger.store import Ledger
    from pipelines.workspace import Workspace
    from privacy.ledger_budget import Budget, ScopeSpent
    from privacy.ledger_state import Crossing, LedgerState, StandingApproval
    from schemas.ledger import Event, OtherPublication

LAST_REFUSALS = 5


def _of(state: "LedgerState", population: str | None) -> "LedgerState":
    """The state of every population, or the part of one."""
    if population is None:
        return state
    return replace(
        state,
        spent={scope: spent for scope, spent in state.spent.items() if scope.population == population},
        policies={name: standing for name, standing in state.policies.items() if name == population},
        crossings={i: c for i, c in state.crossings.items() if c.charge.population == population},
        approvals={seq: a for seq, a in state.approvals.items() if a.statement.population == population},
        refused=[refusal for refusal in state.refused if refusal.population == population],
        registered={seq: other for seq, other in state.registered.items() if other.population == population},
    )


def _budget(state: "LedgerState") -> "Budget":
    from privacy.ledger_budget import budget_of

    return budget_of(state)


def _usable(state: "LedgerState") -> "list[StandingApproval]":
    return [approval for approval in state.approvals.values() if approval.left]


def _scopes(state: "LedgerState", population: str | None) -> "Iterator[tuple[ScopeSpent, float]]":
    """Every scope with the δ of its population's policy."""
    for name, standing in sorted(state.policies.items()):
        if population in (None, name):
            for scope in _budget(_of(state, name)).scopes:
                yield scope, standing.policy.delta


def scope_table(state: "LedgerState", population: str | None) -> "Table":
    """One row a scope: spent, cap and left in ε and ρ. What is left is the ε that the ρ left would buy alone."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("scope", overflow="fold")
    for column in ("spent ε", "cap ε", "left ε", "spent ρ", "cap ρ", "left ρ", "of the cap"):
        table.add_column(column, justify="right", no_wrap=True)
    for scope, delta in _scopes(state, population):
        epsilons = (scope.spent_epsilon, scope.cap_epsilon, _left_epsilon(scope, delta))
        amounts = (scope.spent_nano_rho, scope.cap_nano_rho, scope.left_nano_rho)
        table.add_row(scope.name, *map(_epsilon, epsilons), *map(_rho, amounts), _share(scope))
    return table


def _share(scope: "ScopeSpent") -> str:
    """Spent as a share of the cap, in ρ, which adds up."""
    return "–" if not scope.cap_nano_rho else f"{100 * scope.spent_nano_rho / scope.cap_nano_rho:.0f} %"


def _left_epsilon(scope: "ScopeSpent", delta: float) -> float | None:
    return None if scope.left_nano_rho is None else epsilon_at(scope.left_nano_rho, delta)


def _epsilon(epsilon: float | None) -> str:
    return "–" if epsilon is None else f"{epsilon:.3g}"


def _rho(nano_rho: int | None) -> str:
    return "–" if nano_rho is None else f"{nano_rho / NANO:.4g}"


def budget_lines(ledger: "Ledger", population: str | None) -> list[str]:
    """What the table of scopes does not show."""
    state, head = _of(ledger.state(), population), ledger.head()
    budget = _budget(state)
    return [
        *(["All charges are frozen"] if budget.frozen else []),
        *(_unpublished_line(crossing) for crossing in budget.unpublished),
        f"Refused attempts: {len(budget.refused)}{_by_code(budget)}",
        *(f"  {refusal.code}: {refusal.what}" for refusal in budget.refused[-LAST_REFUSALS:]),
        *([] if _usable(state) else ["Approvals with charges left: none"]),
        *(_standing_line(approval) for approval in _usable(state)),
        *(_published_line(other) for other in state.registered.values()),
        f"Ledger {head.ledger_id}: {head.seq} events, chain and signatures valid, not behind its witness or any card",
    ]


def _by_code(budget: "Budget") -> str:
    """How often each code was the reason, the most frequent first."""
    counts = Counter(refusal.code for refusal in budget.refused)
    return f" ({', '.join(f'{code} {count}' for code, count in counts.most_common())})" if counts else ""


def _is_expired(approval: "StandingApproval") -> bool:
    from pipelines.ledger.store import utc_now
    from privacy.ledger_rules import time_text

    return approval.statement.expires <= time_text(utc_now())


def _unpublished_line(crossing: "Crossing") -> str:
    loss = _rho(crossing.charge.charge_nano_rho)
    return f"Charged without publication: release {crossing.release_id}, {crossing.state.value.lower()}, ρ {loss}"


def _published_line(other: "OtherPublication") -> str:
    return f"Also published, not protected: {other.name} ({other.survey}, wave {other.wave}): {other.why}"


def _standing_line(approval: "StandingApproval") -> str:
    said, officer = approval.statement, f"ed25519:{approval.officer[:16]}…"
    worth = f"{approval.left} of {said.charges} charges left until {said.expires}"
    worth += " (expired)" if _is_expired(approval) else ""
    return f"Approval of plan {said.plan_digest[:12]} by {officer}: {worth}"


def budget_as_dict(ledger: "Ledger", population: str | None) -> dict[str, Any]:
    """The same for a script."""
    state = _of(ledger.state(), population)
    budget = _budget(state)
    return {
        "scopes": [_scope_as_dict(scope, delta) for scope, delta in _scopes(state, population)],
        "unpublished": [
            {"release_id": c.release_id, "state": c.state.value, "charge_nano_rho": c.charge.charge_nano_rho}
            for c in budget.unpublished
        ],
        "refused": [refusal.model_dump(mode="json") for refusal in budget.refused],
        "approvals": [
            {"officer": a.officer, "left": a.left, "expired": _is_expired(a), **a.statement.model_dump(mode="json")}
            for a in _usable(state)
        ],
        "also_published": [{"seq": seq, **other.model_dump(mode="json")} for seq, other in state.registered.items()],
        "frozen": budget.frozen,
        "head": ledger.head().model_dump(mode="json"),
    }


def _scope_as_dict(scope: "ScopeSpent", delta: float) -> dict[str, Any]:
    left = {"left_nano_rho": scope.left_nano_rho, "left_epsilon": _left_epsilon(scope, delta)}
    return {**asdict(scope), **left, "delta": delta}


def witness_lines(ledger: "Ledger", workspace: "Workspace", witness: "Path | None") -> list[str]:
    """Each witness file, and how far it has seen the ledger."""
    found = witnesses_as_dicts(ledger, workspace, witness)
    return [
        f"Witness {w['path']}: {w['lines']} lines, "
        + ("none of this ledger" if w["last_seq"] is None else f"the last one of event {w['last_seq']}")
        + (f"; {w['missing']} to be added at the next run" if w["missing"] else "")
        for w in found
    ]


def witnesses_as_dicts(ledger: "Ledger", workspace: "Workspace", witness: "Path | None") -> list[dict[str, Any]]:
    """The same for a script. `missing`: events that a witness should remember and does not yet."""
    from pipelines.ledger.witness import WITNESSED, Outside

    wanted = {event.seq for event in ledger.events() if event.kind in WITNESSED}
    found: list[dict[str, Any]] = []
    for file in Outside(workspace, witness).witnesses:
        lines = file.seen()
        seen = {line.head.seq for line in lines if line.head is not None}
        missing = len(wanted - seen)
        found.append(
            {"path": str(file.path), "lines": len(lines), "last_seq": max(seen, default=None), "missing": missing}
        )
    return found


def approval_line(event: "Event") -> str:
    """What an officer has signed."""
    said, officer = event.body["statement"], event.body["officer"]
    worth = f"worth {said['charges']} charges until {said['expires']}"
    return f"approved: plan {said['plan_digest'][:12]} by ed25519:{officer}, {worth}"


def earlier_lines(before: "LedgerState", event: "Event") -> list[str]:
    """Approvals that the same officer had given of the same plan: their charges stay, beside the new ones."""
    said = event.body["statement"]
    return [
        f"this officer had approved this plan before: {a.left} of {a.statement.charges} charges are left of that until "
        f"{a.statement.expires}"
        for a in _usable(before)
        if a.officer == event.body["officer"] and a.statement.plan_digest == said["plan_digest"] and not _is_expired(a)
    ]


def approval_as_dict(event: "Event") -> dict[str, Any]:
    """The same for a script."""
    return {"seq": event.seq, "time": event.time, "officer": event.body["officer"], **event.body["statement"]}


def change_line(change: "dict[str, str | int]", delta: float) -> str:
    """A cap that the approval also changes, for the officer who signs it."""
    before, after = loss_text(int(change["before_nano_rho"]), delta), loss_text(int(change["after_nano_rho"]), delta)
    return f"this changes the cap of {change['scope']}: {before} becomes {after}"


def loss_line(scope: "ScopeSpent", delta: float) -> str:
    """Spent and left of one scope in a line."""
    spent, left = loss_text(scope.spent_nano_rho, delta), loss_text(scope.left_nano_rho or 0, delta)
    return f"{spent} spent, {left} left in the {scope.name}"
