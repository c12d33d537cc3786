"""What follows the seal: estimates and figures of released measurements, and their publication. No loss, no zone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipelines.declarations import Declarations
from pipelines.earlier_waves import EarlierWaves
from pipelines.ledger.store import Ledger
from pipelines.outlet.publish import ReleaseContext, publish
from pipelines.outlet.templating import compile_templates
from privacy.estimate import estimate
from privacy.group_prior import group_prior
from privacy.measure import Measurements, Released
from privacy.summary import summarise
from privacy.trends import trend_rows
from schemas.ledger import Event
from schemas.nets import with_nets
from schemas.plan import Plan


def get_ready() -> None:
    """What can be done before there is anything to publish."""
    compile_templates()


def publish_crossing(
    ledger: Ledger,
    declarations: Declarations,
    plan: Plan,
    released: Released[Measurements],
    charged: Event,
    sealed: Event,
    folder: Path,
    earlier: EarlierWaves | None,
    tell: Callable[[str], None],
) -> None:
    """Estimate, summarise and write the release folder; an equal one that is there already stays. As `publish`."""
    survey, policy = declarations.survey, declarations.policy
    measurable = with_nets(survey, declarations.attributes)
    attributes = {attribute.id: attribute for attribute in measurable}
    tell("estimating")
    estimates = estimate(plan, attributes, released, group_prior(survey, plan))
    summary = summarise(survey, policy, plan, attributes, estimates)
    context = ReleaseContext.of(ledger, survey, policy, plan, measurable, charged, sealed)
    if earlier is not None:
        summary += trend_rows(survey, attributes, summary, earlier.toplines, policy.precision.publish_margin_points)
        context = replace(context, earlier=earlier.releases)
    tell("publishing")
    publish(folder, context, released, estimates, summary, ledger.sign)
