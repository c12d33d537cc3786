"""The verb that attacks a plan on synthetic residents, for whoever wants to see the promise fail."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.console import progress, say, say_json, show, verb
from flows.options import Directory, JsonOption, PolicyOption, WorkspaceOption, declared, workspace_root

if TYPE_CHECKING:
    from pipelines.audit.run import AuditReport

PANEL = "Privacy officer"


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command("audit", rich_help_panel=PANEL)(audit)


@verb
def audit(
    context: typer.Context,
    directory: Directory,
    runs: Annotated[
        int, typer.Option("--runs", min=50, metavar="N", help="Measurements with and without a resident.")
    ] = 1800,
    policy: PolicyOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Attack the plan on invented residents, in a temporary zone: sensitivity, noise, two samples, canaries."""
    from pipelines.audit.run import audit as attacked
    from pipelines.prior_release import with_earlier_belief
    from schemas.errors import IntegrityFault

    declarations = with_earlier_belief(declared(directory, policy), workspace_root(context, workspace), None)
    with progress("auditing") as tell:
        report = attacked(declarations, runs, tell=tell)
    if as_json:
        say_json(_as_dict(report))
    else:
        _show(report)
    failed = sum(not figure.holds for figure in report.figures)
    if failed and as_json:
        raise typer.Exit(IntegrityFault.exit_code)
    if failed:
        raise IntegrityFault(
            "audit_failed",
            f"{failed} of {len(report.figures)} figures of the audit are beyond their bounds",
            where="audit",
            do="Release nothing with this build; run the audit again, and report it if it fails again",
        )


def _show(report: "AuditReport") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("check", "figure", "value", "bound", ""):
        table.add_column(name, justify="right" if name in ("value", "bound") else "left")
    words = {"<=": "at most", ">=": "at least"}
    for figure in report.figures:
        bound = f"{words[figure.relation]} {figure.bound:.4g}"
        table.add_row(figure.check, figure.name, f"{figure.value:.4g}", bound, "ok" if figure.holds else "FAILS")
    show(table)
    say(f"{report.runs} measurements a side: {report.factor_seen:g} times the loss would be seen 9 times in 10")


def _as_dict(report: "AuditReport") -> dict[str, Any]:
    from math import isfinite

    figures = [
        {"check": f.check, "figure": f.name, "value": f.value, "relation": f.relation, "bound": f.bound, "ok": f.holds}
        for f in report.figures
    ]
    return {
        "ok": report.holds,
        "runs": report.runs,
        "factor_seen": report.factor_seen if isfinite(report.factor_seen) else None,
        "figures": figures,
    }
