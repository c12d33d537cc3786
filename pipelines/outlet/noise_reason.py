"""Why a plan took its kind of noise, in the language spoken: the plan says it in English."""

import re

from pipelines.outlet.language import N_, gettext

_SAID = (
    N_(
        "at epsilon {} the expected error of a cell, weighted over all tables, is {} people with Gaussian and {} with "
        "Laplace noise"
    ),
    N_("policy.yaml asks for Gaussian noise"),
    N_("policy.yaml asks for Laplace noise"),
    N_("caps.{} bounds pure epsilon, which Gaussian noise has not"),
    N_("; the caps in rho let Laplace noise use epsilon {} of {}"),
)
"""What privacy.noise_family says, with its numbers left out."""


def noise_reason(reason: str) -> str:
    """The reason with each known part translated, its numbers as they were; anything else as it is."""
    for said in _SAID:
        parts = [re.escape(part) for part in said.split("{}")]
        reason = re.sub("([^ ;]+)".join(parts), lambda found, s=said: gettext(s).format(*found.groups()), reason)
    return reason
