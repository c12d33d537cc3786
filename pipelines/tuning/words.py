"""What the officer's app says: tables and sentences in Markdown, made from forecasts, costs and changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pipelines.tuning.account import ScopeCost, Standing
from pipelines.tuning.forecasts import KINDS, VERDICTS, Moved, TableForecast, verdict_counts
from pipelines.tuning.save import Change
from pipelines.tuning.trade_offs import Needed, PriorityCost
from schemas.base import text_in
from schemas.errors import Fault
from schemas.plan import NANO, Plan

Result = TypeVar("Result")
MOST_MOVED = 12


def attempt(work: Callable[[], Result]) -> tuple[Result | None, str]:
    """The result of a piece of work, or the one line of the fault that stopped it."""
    try:
        return work(), ""
    except Fault as fault:
        return None, fault.line()


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as a table of Markdown; the first column is the row's name, the others stand to the right.

    >>> print(markdown_table([{"scope": "year", "ε": 2}]))
    | scope | ε |
    |:--|--:|
    | year | 2 |
    """
    names = list(rows[0])
    lines = [names, [":--", *["--:"] * (len(names) - 1)]] + [[_cell(row[name]) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" if i != 1 else f"|{'|'.join(line)}|" for i, line in enumerate(lines))


def _cell(value: object) -> str:
    """A text that no Markdown or markup of a label can break out of."""
    return "".join(f"&#{ord(c)};" if c in "|<>&*_`[]\\" else " " if c in "\r\n" else c for c in str(value))


def shown_text(text: str | dict[str, str]) -> str:
    """A declared text in English, else in its first language, for Markdown."""
    return _cell(text_in(text))


def shown_epsilon(epsilon: float | None) -> str:
    """ε for reading."""
    return "–" if epsilon is None else f"{epsilon:.3g}"


def cost_line(plan: Plan) -> str:
    """What one release costs."""
    pure = "" if plan.charge_nano_pure_epsilon is None else f", pure ε {plan.charge_nano_pure_epsilon / NANO:.3g}"
    rho = plan.charge_nano_rho / NANO
    noise = f"{plan.noise.title()} noise ({plan.noise_reason})"
    return f"**ε {shown_epsilon(plan.epsilon)}** at δ {plan.delta:g} (ρ {rho:.4g}{pure}). {noise}."


def cost_rows(scopes: Sequence[ScopeCost]) -> list[dict[str, str]]:
    """One row a scope, for a table."""
    return [
        {
            "counted over": scope.scope,
            "spent so far (ε)": shown_epsilon(scope.before),
            "with this plan (ε)": shown_epsilon(scope.after),
            "cap (ε)": shown_epsilon(scope.cap),
            "of the cap": f"{100 * scope.after_share:.0f} %",
            "allowed": "yes" if scope.fits else "no: beyond the cap",
        }
        for scope in scopes
    ]


def verdict_rows(rows: Sequence[TableForecast]) -> list[dict[str, object]]:
    """How many tables of each kind have which verdict."""
    return [{"tables": KINDS[kind], **counts} for kind, counts in verdict_counts(rows).items()]


def forecast_rows(rows: Sequence[TableForecast]) -> list[dict[str, object]]:
    """Every table, for a table that can be searched and sorted."""
    return [
        {
            "table": row.label,
            "kind": KINDS[row.kind],
            "verdict": row.verdict,
            "margin from": round(row.low, 1),
            "margin to": round(row.high, 1),
            "sampling": round(row.sampling, 1),
            "noise": round(row.noise, 1),
            "smallest base": round(row.base),
            "share of loss %": round(row.share_pct, 1),
            "measured": row.measured,
            "priority": row.priority,
        }
        for row in rows
    ]


def verdict_legend() -> str:
    """The verdicts explained."""
    return "\n".join(f"- **{verdict}**: {words}" for verdict, words in VERDICTS.items())


def change_rows(found: Sequence[Change]) -> list[dict[str, str]]:
    """What differs from the file on disk."""
    return [{"policy.yaml": c.path, "on disk": c.before, "here": c.after} for c in found]


def moved_words(found: Sequence[Moved]) -> str:
    """Tables whose verdict differs from that of the policy on disk."""
    if not found:
        return "Every table keeps the verdict that it has under the policy on disk."
    lines = [f"- {_cell(m.label)}: {m.before} → **{m.after}**" for m in found[:MOST_MOVED]]
    more = len(found) - len(lines)
    return "\n".join([*lines, *([f"- and {more} more"] if more else [])])


def priority_words(cost: PriorityCost) -> str:
    """What one more priority would buy and cost."""
    margins = f"its margin goes from about {cost.before_points:.1f} to {cost.after_points:.1f} points"
    others = f"The margins of the other measured tables change by {cost.others_pct:+.1f} % in the middle of them"
    worst = f"; most for {_cell(cost.widest_label)}, by {cost.widest_points:.1f} points" if cost.widest_label else ""
    lost = f" No longer expected to be publishable: {', '.join(map(_cell, cost.lost))}." if cost.lost else ""
    return f"**{_cell(cost.label)}**: {margins} ({cost.verdict}). {others}{worst}.{lost}"


def needed_words(needed: Needed, points: float) -> str:
    """The answer of the inverse."""
    if needed.epsilon is None:
        return f"No loss up to ε 50 gives this table a margin of {points:g} points: there are too few answers."
    allowed = "The caps allow it." if needed.allowed else "**The caps of this policy do not allow it.**"
    return f"A margin of at most {points:g} points needs about **ε {needed.epsilon:.2g}** in one release. {allowed}"


def standing_words(found: Standing, *, unsaved: bool) -> str:
    """How the policy on disk stands."""
    if unsaved:
        return "What you see is not saved. An approval is of the files on disk: save first."
    if not found.needed:
        start = "This policy asks for no approval."
    elif found.given >= found.needed:
        start = f"Approved: {found.given} of {found.needed} signatures given."
    else:
        start = f"Not approved yet: {found.given} of {found.needed} signatures given."
    caps = "".join(f"\n- signing also changes a cap: {change}" for change in found.cap_changes)
    return f"{start} Plan `{found.plan_digest[:12]}`.{caps}"
