"""The charges of a ledger, one by one: what an officer shows who asks what was spent, when, and by whose leave."""

from typing import TYPE_CHECKING, Any

from flows.words import epsilon_at
from schemas.plan import NANO

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.ledger.store import Ledger

LAST_CHARGES = 20
"""Charges on a terminal, the latest; --json has all."""


def charges_as_dicts(ledger: "Ledger", population: str | None) -> list[dict[str, Any]]:
    """Every charge in the order of the ledger, void ones included: there is no refund."""
    state, found = ledger.state(), list[dict[str, Any]]()
    for crossing in sorted(state.crossings.values(), key=lambda crossing: crossing.charged_seq):
        charge = crossing.charge
        if population not in (None, charge.population):
            continue
        officers = [ledger.event(seq).body["officer"] for seq in charge.approval_seqs]
        found.append(
            {
                "seq": crossing.charged_seq,
                "time": ledger.event(crossing.charged_seq).time,
                "release_id": charge.release_id,
                "population": charge.population,
                "survey": charge.survey,
                "wave": charge.wave,
                "year": charge.year,
                "state": crossing.state.value,
                "nano_rho": charge.charge_nano_rho,
                "nano_pure_epsilon": charge.charge_nano_pure_epsilon,
                "delta": charge.delta,
                "epsilon": epsilon_at(charge.charge_nano_rho, charge.delta, charge.charge_nano_pure_epsilon),
                "officers": officers,
                "plan_digest": charge.plan_digest,
                "policy_digest": charge.policy_digest,
            }
        )
    return found


def charge_table(ledger: "Ledger", population: str | None) -> "Table | None":
    """The latest charges, the newest last; None where nothing was charged."""
    from rich.box import SIMPLE
    from rich.table import Table

    charges = charges_as_dicts(ledger, population)
    if not charges:
        return None
    more = f"the latest {LAST_CHARGES} of {len(charges)}" if len(charges) > LAST_CHARGES else "every one"
    table = Table(box=SIMPLE, pad_edge=False, title=f"Charges, {more}", title_justify="left", title_style="")
    for column in ("event", "charged", "survey", "wave", "release", "state"):
        table.add_column(column, overflow="fold")
    for column in ("ε", "ρ"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("approved by", overflow="fold")
    for charge in charges[-LAST_CHARGES:]:
        epsilon = "–" if charge["epsilon"] is None else f"{charge['epsilon']:.3g}"
        officers = ", ".join(f"{officer[:8]}…" for officer in charge["officers"]) or "nobody"
        table.add_row(
            str(charge["seq"]), charge["time"][:10], charge["survey"], charge["wave"], charge["release_id"][:12],
            charge["state"].lower(), epsilon, f"{charge['nano_rho'] / NANO:.4g}", officers,
        )  # fmt: skip
    return table
