"""What a run leaves to be looked at in Prefect: a release's own figures and losses, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
)
from prefect.events import emit_event

from pipelines.outlet.announcement import artifact_key, headline_rows, nearly_used, share_spent, story

if TYPE_CHECKING:
    from pipelines.outlet.verify import Verification

NEARLY_USED = 0.8
"""Share of a cap at which a person is told. It stops nothing: the ledger alone refuses."""

NEARLY_USED_EVENT = "hearsafe.budget.nearly-used"


def announce(found: "Verification", folder: Path) -> None:
    """Artifacts of a verified release, and an event where a cap is nearly used."""
    card, survey = found.card, found.survey
    create_markdown_artifact(
        story(card, found.summary, str(folder)),
        key=artifact_key("release", survey),
        description="What was released, what it cost, and where it is.",
    )
    create_table_artifact(
        headline_rows(card, found.summary),
        key=artifact_key("headlines", survey),
        description=f"Headline figures of {survey}, wave {found.wave}, with 95 % margins. Released, so public.",
    )
    create_link_artifact(
        (folder / "report.html").as_uri(),
        link_text=f"Report of {survey}, wave {found.wave}",
        key=artifact_key("report", survey),
    )
    spent = card.expert.privacy_loss.spent
    for scope in (spent.year, spent.lifetime):
        create_progress_artifact(
            min(100.0, round(100 * share_spent(scope), 1)),
            key=artifact_key("budget", scope.scope, card.population),
            description=f"Loss spent of the cap of {'this year' if scope.scope == 'year' else 'all time'}, in ρ.",
        )
    for name, share in nearly_used(card, NEARLY_USED):
        emit_event(
            NEARLY_USED_EVENT,
            resource={"prefect.resource.id": f"hearsafe.budget.{card.population}.{name}"},
            payload={"scope": name, "share_of_cap": round(share, 3), "population": card.population},
        )
