"""Who must be trusted with the responses, as the card says it: in the zone, or on a cluster that counts them."""

from pipelines.outlet.context import ReleaseContext
from pipelines.outlet.language import gettext
from schemas.card import Model


def model_of(context: ReleaseContext) -> Model:
    """The card's section on the model: who takes part, what they see, and where responses were counted."""
    remote = context.plan.engine is not None
    cluster = gettext(
        "whoever runs the Spark cluster or can read its store: sees coded responses and exact counts; trusted"
    )
    return Model(
        model_name=gettext("Central"),
        actors=(
            gettext(
                "the data team: takes the export in and runs releases; trusted with the export until it is destroyed"
            ),
            gettext("the privacy officer: sets caps and approves; needs no access to answers"),
            gettext("whoever holds the zone's key: could open the encrypted responses; trusted"),
            *((cluster,) if remote else ()),
            gettext("analysts and the public: see released files only; not trusted"),
        ),
        trust=gettext(
            "One curator is trusted with the responses, and so is a Spark cluster of theirs, where the coded responses "
            "lie in clear, without names or keys, and are counted: they are not isolated. Noise is added by the zone's "
            "own process, once, before anything leaves the zone and the cluster."
        )
        if remote
        else gettext(
            "One curator is trusted with the responses; noise is added there, once, before anything leaves the zone."
        ),
        isolation=context.isolation,
        counted_on="spark cluster" if remote else "zone worker",
        release_type="Many releases",
        data_source_type="Static",
        access_type="Non-interactive",
    )


def not_isolated(context: ReleaseContext) -> tuple[str, ...]:
    """The limit that a remote engine sets, where there is one."""
    if context.plan.engine is None:
        return ()
    return (
        gettext(
            "Responses were counted on a Spark cluster, outside the encrypted zone: no isolation is claimed for them. "
            "The noise is as stated if the cluster counted what it was asked to count."
        ),
    )
