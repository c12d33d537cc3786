"""The demo: Riverbend from raw exports to a verified release, in a folder that is made again each time."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.console import tell
from flows.through_prefect import Errand, ingest_to_report
from pipelines.ledger.run_lock import file_lock
from schemas.errors import BudgetRefused, UsageFault

if TYPE_CHECKING:
    from pipelines.declarations import Declarations
    from pipelines.workspace import Workspace

_MARK = ".hearsafe-demo"
"""Says that a folder is a demo's own, so that making it again deletes nothing else. Locked while the demo runs."""


@dataclass(frozen=True)
class DemoEnd:
    """The four things the demo ends with."""

    folder: Path
    report: Path
    verified: bool
    loss: str

    def lines(self) -> tuple[str, str, str, str]:
        """For people."""
        return (
            f"release   {self.folder}",
            f"report    {self.report}",
            f"verified  {'yes' if self.verified else 'no'}",
            f"loss      {self.loss}",
        )

    def as_dict(self) -> dict[str, object]:
        """For scripts."""
        return {"folder": str(self.folder), "report": str(self.report), "verified": self.verified, "loss": self.loss}


def run_demo(folder: Path) -> DemoEnd:
    """Make the folder again, build Riverbend, run the whole flow, and prove what came out.

    Raises: UsageFault: the folder holds something else than a demo, or another demo runs in it.
    """
    from pipelines.declarations import load_declarations
    from pipelines.outlet.verify import verify
    from pipelines.riverbend.generate import build
    from pipelines.workspace import open_workspace

    with _fresh(folder):
        tell("building Riverbend")
        files = build(folder / "riverbend")
        workspace = open_workspace(folder / "hearsafe-workspace")
        errand = Errand.of(
            workspace.root, files.directory, files.sources, contacts=files.contacts, officer_key=files.officer_key
        )
        tell("starting Prefect")
        released = ingest_to_report(errand)
        shown = _relative(released)
        return DemoEnd(
            shown,
            shown / "report.html",
            bool(verify(released, None)),
            _loss(workspace, load_declarations(files.directory)),
        )


@contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """The folder, emptied for one demo alone. The mark stays all the time: a new one would be locked by nobody."""
    mark = folder / _MARK
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not mark.exists())):
        raise UsageFault(
            "demo_folder", "this folder is not a demo's", where=str(folder), do="Name an empty or new one with --folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(mark, 0.0))
        except BudgetRefused:
            what = "another demo runs in this folder"
            advice = "Wait for it to end, or name another --folder"
            raise UsageFault("demo_running", what, where=str(folder), do=advice) from None
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != mark:
                path.unlink()
        mark.write_text("Made by hearsafe demo, whose next run deletes everything here.\n", encoding="utf-8")
        yield


def _relative(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _loss(workspace: "Workspace", declarations: "Declarations") -> str:
    from flows.budget_tables import loss_line
    from pipelines.ledger.store import Ledger
    from privacy.ledger_budget import spent_summary

    survey, delta = declarations.survey, declarations.policy.delta
    state = Ledger.open(workspace).state()
    spent = spent_summary(state, survey.population, survey.wave.year, survey.survey, survey.wave.id)
    return loss_line(spent.lifetime, delta)
