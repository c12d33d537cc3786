"""Where interactions are drawn towards what is believed beforehand. For now they stay as measured."""

from collections.abc import Mapping

from privacy.components import Floats, Key


def shrink(
    interactions: Mapping[Key, Floats],
    precisions: Mapping[Key, float],  # noqa: ARG001 - the place of the precisions is part of the signature
    prior: Mapping[Key, float] | None,  # noqa: ARG001 - and so is that of the prior
) -> dict[Key, Floats]:
    """Estimated components after shrinkage; the identity.

    Args:
        interactions: least-squares estimates by universe and component, in respondents.
        precisions: their precisions, in respondents⁻².
        prior: prior variance of one contrast of a component, in respondents²; None where nothing is believed.
    """
    return dict(interactions)
