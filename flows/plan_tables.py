"""A plan on paper: what it would cost, and for each table, whether it is measured and how precise it should be."""

from typing import TYPE_CHECKING, Any

from flows.words import loss_text

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.planning import ScopeLeft
    from pipelines.zone.packing import Packing
    from schemas.plan import Plan, PublishedTable

FEW = 12
"""A kind with more tables than this is summarised, unless --explain."""

_KINDS = {
    "topline": "Toplines",
    "index": "Indices",
    "demographic": "Demographics",
    "crosstab": "Crosstabs",
    "index_crosstab": "Indices by group",
    "demographic_pair": "Pairs of demographics",
}


def header_lines(plan: "Plan", digest: str, left: "list[ScopeLeft] | None", approvals: tuple[int, int]) -> list[str]:
    """Cost, caps and approvals in words. `approvals`: given and needed."""
    given, needed = approvals
    pure = "" if plan.charge_nano_pure_epsilon is None else f", pure ε {plan.charge_nano_pure_epsilon / 1e9:.3g}"
    cost = loss_text(plan.charge_nano_rho, plan.delta, plan.charge_nano_pure_epsilon)
    lines = [
        f"Plan {digest[:12]} of {plan.survey}, wave {plan.wave}, protecting each {plan.unit} of {plan.population}",
        f"A release would cost {cost} at δ {plan.delta:g}{pure}",
        f"Noise: {plan.noise} ({plan.noise_reason})",
        f"Tables: {len(plan.measured)} measured, {len(plan.published)} published",
    ]
    if plan.engine is not None:
        lines.append(f"Counted on the Spark cluster at {plan.engine.address}, not in the zone: no isolation is claimed")
    for scope in left or ():
        left_text, cap_text = (loss_text(amount, plan.delta) for amount in (scope.left_nano_rho, scope.cap_nano_rho))
        enough = "" if plan.charge_nano_rho <= scope.left_nano_rho else ": too little for this plan"
        lines.append(f"Left in {scope.scope}: {left_text} of {cap_text}{enough}")
    if left is None:
        lines.append("Nothing has been spent in this workspace yet")
    lines.append(f"Approvals: {given} of {needed} given" if needed else "Approvals: none needed")
    return lines


def counting_lines(packing: "Packing") -> list[str]:
    """How the zone counts what is measured: columns read, keys they are packed into, and what the counts take."""
    columns, keys = len(packing.columns), len(packing.keys)
    cells = max((key.cells for key in packing.keys), default=0)
    sums = sum(len(key.amounts) for key in packing.keys)
    summed = f" and {sums} sums" if sums else ""
    keyed = f"{keys} packed keys of at most {cells:,} cells{summed}, in {packing.memory / 1e6:.1f} MB"
    return [f"Counting: one scan of {columns} columns, {keyed}; a table that is not measured is not counted"]


def plan_as_dict(
    plan: "Plan", digest: str, left: "list[ScopeLeft] | None", approvals: tuple[int, int]
) -> dict[str, Any]:
    """The same for a script, with the whole plan. `left` is null where nothing was ever spent."""
    return {
        "plan_digest": digest,
        "approvals": dict(zip(("given", "needed"), approvals, strict=True)),
        "left": None if left is None else [_left_as_dict(scope) for scope in left],
        "plan": plan.model_dump(mode="json"),
    }


def _left_as_dict(left: "ScopeLeft") -> dict[str, str | int]:
    amounts = {"left_nano_rho": left.left_nano_rho, "cap_nano_rho": left.cap_nano_rho}
    return {"scope": str(left.scope), "level": left.scope.level, **amounts}


def kind_tables(plan: "Plan", *, explain: bool) -> "list[Table]":
    """A table per kind; kinds of many tables are one line unless `explain`."""
    by_kind = {kind: [table for table in plan.published if table.kind == kind] for kind in _KINDS}
    shown = {kind: tables for kind, tables in by_kind.items() if tables}
    each = {kind: tables for kind, tables in shown.items() if explain or len(tables) <= FEW}
    summarised = {kind: tables for kind, tables in shown.items() if kind not in each}
    found = [_kind_table(_KINDS[kind], tables) for kind, tables in each.items()]
    return [*found, _summary_table(summarised)] if summarised else found


def _new_table(title: str, first: str) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
    table.add_column(first, overflow="fold")
    for column in ("measured", "share", "margin ±", "sampling", "noise", "base", "known by"):
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _measured(table: "PublishedTable") -> str:
    found = [name for name, is_it in (("cells", table.measured), ("net", table.net_measured)) if is_it]
    return " and ".join(found) or "no"


def _count(tables: "list[PublishedTable]") -> str:
    cells, nets = sum(table.measured for table in tables), sum(table.net_measured for table in tables)
    return f"{cells}, {nets} by net" if nets else str(cells)


def _kind_table(title: str, tables: "list[PublishedTable]") -> "Table":
    shown = _new_table(f"{title} (95 % margins in points)", "table")
    for table in tables:
        margin = table.forecast
        shown.add_row(
            table.id + (" (priority)" if table.priority else ""),
            _measured(table),
            f"{table.share_of_loss:.1%}",
            f"{margin.low_points:.1f}–{margin.high_points:.1f}",
            f"{margin.sampling_points:.1f}",
            f"{margin.noise_points:.1f}",
            f"{margin.base:.0f}",
            table.known_by,
        )
    return shown


def _summary_table(kinds: "dict[str, list[PublishedTable]]") -> "Table":
    shown = _new_table("Kinds of many tables (--explain lists each; 95 % margins in points)", "kind")
    for kind, tables in kinds.items():
        margins = [table.forecast for table in tables]
        shown.add_row(
            f"{_KINDS[kind]}: {len(tables)}",
            _count(tables),
            f"{sum(table.share_of_loss for table in tables):.1%}",
            _span([m.low_points for m in margins] + [m.high_points for m in margins], 1),
            _span([m.sampling_points for m in margins], 1),
            _span([m.noise_points for m in margins], 1),
            _span([m.base for m in margins], 0),
            f"{sum(table.informative for table in tables)} informative",
        )
    return shown


def _span(values: list[float], digits: int) -> str:
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low}–{high}"
