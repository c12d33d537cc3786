"""A release's card as an entry of the public registry of differential-privacy deployments, in YAML.

Sections and fields are the registry's; what a card cannot know (curator, region) is given by whoever exports.
"""

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from schemas.card import Bound, Card, ExpertFace

_UNITS = {"resident": "Person-level", "household": "Household-level", "response": "Record-level"}


def registry_entry(card: Card, *, curator: str | None = None, region: str | None = None) -> dict[str, Any]:
    """The entry as plain data. `curator`: who answers for the data; `region`: where (else the population).

    It is a draft: the registry's reviewers decide its status and tier.
    """
    expert = card.expert
    return {
        "url_slug": re.sub(r"[^a-z0-9]+", "-", f"{card.survey}-{card.wave}-{card.release_id[:8]}".lower()).strip("-"),
        "status": "Draft",
        "tier": 3,
        "deployment": {
            "product": _product(card, curator, region),
            "dp_flavor": _flavor(expert),
            "privacy_loss": _loss(expert),
            "model": _model(expert),
            "accounting": {
                "composition": expert.accounting.composition,
                "post_processing": _listed(expert.accounting.post_processing),
            },
            "implementation": _implementation(expert),
            "resources": {
                "sources": _listed(
                    (
                        f"Release {card.release_id}, signed by the ledger key {card.ledger.fingerprint}",
                        f"Ledger {card.ledger.id}, event {card.ledger.head.seq}, hash {card.ledger.head.hash}",
                        "card.json of the release holds these statements in full; hearsafe verify checks them",
                    )
                ),
                "registry_authors": [f"hearsafe {expert.implementation.software['hearsafe']}, from the release card"],
            },
        },
    }


def registry_yaml(card: Card, *, curator: str | None = None, region: str | None = None) -> str:
    """The entry as a file."""
    yaml = YAML(typ="rt")
    yaml.width = 4096
    yaml.default_flow_style = False
    out = StringIO()
    yaml.dump(registry_entry(card, curator=curator, region=region), out)
    return out.getvalue()


def _listed(items: tuple[str, ...]) -> str:
    """Several statements as one text, a line each, as the registry's own entries have them."""
    return LiteralScalarString("".join(f"- {' '.join(item.split())}\n" for item in items))


def _product(card: Card, curator: str | None, region: str | None) -> dict[str, Any]:
    product = card.expert.product
    found: dict[str, Any] = {
        "name": product.name,
        "data_curators": [curator or card.population],
        "intended_use": product.intended_use,
        "data_product_type": product.data_product_type,
        "data_product_region": region or card.population,
        "description": product.description,
        "publication_date": product.publication_date,
        "data_product_sector": "Government",
    }
    return found


def _flavor(expert: ExpertFace) -> dict[str, Any]:
    flavor = expert.dp_flavor
    return {
        "name": flavor.name,
        "input_metric": flavor.input_metric,
        "bound_on_input_distance": flavor.bound_on_input_distance,
        "output_measure": flavor.output_measure,
        "bound_on_output_distance": flavor.bound_on_output_distance,
        "data_domain": flavor.data_domain,
        "unprotected_quantities": _listed(flavor.unprotected_quantities),
    }


def _loss(expert: ExpertFace) -> dict[str, Any]:
    loss, given = expert.privacy_loss, expert.privacy_loss.privacy_parameters
    pure = given.pure_epsilon
    known = {"rho": given.rho, "epsilon": given.epsilon, "delta": given.delta} if pure is None else {"epsilon": pure}
    scopes = "; ".join(
        f"{scope.scope}: ε {scope.spent_epsilon:.3g} of {scope.cap_epsilon:.3g}"
        for scope in loss.spent.scopes()
        if scope.spent_epsilon is not None and scope.cap_epsilon is not None
    )
    return {
        "privacy_unit": _UNITS[loss.privacy_unit],
        "privacy_unit_description": f"{loss.privacy_unit_description} {loss.rests_on}",
        "privacy_parameters": {name: value for name, value in known.items() if value is not None},
        "privacy_parameters_description": f"{loss.privacy_parameters_description} Spent of the caps, {scopes}.",
    }


def _model(expert: ExpertFace) -> dict[str, Any]:
    model = expert.model
    return {
        "model_name": model.model_name,
        "model_name_description": model.trust,
        "actors": _listed(model.actors),
        "release_type": model.release_type,
        "release_type_description": (
            "Waves of a survey, and releases of a wave, follow each other; one ledger charges each before it is "
            "measured, and refuses what the caps of release, wave, year or lifetime do not leave. Nothing resets them."
        ),
        "data_source_type": model.data_source_type,
        "access_type": model.access_type,
    }


def _implementation(expert: ExpertFace) -> dict[str, Any]:
    made = expert.implementation
    bounds, rule = _bounds(made.contribution_bounds), expert.precision
    precision = (
        f"Precision: {rule.statement} Here: {rule.publish_margin_points:g} points, {rule.min_expected_base} people"
    )
    software = ", ".join(f"{name} {version}" for name, version in made.software.items())
    return {
        "pre_processing_eda_hyperparameter_tuning": made.pre_processing_eda_hyperparameter_tuning,
        "mechanisms": _listed(
            (
                f"{made.mechanisms}; {len(made.measured)} tables measured once each, {len(made.published)} published",
                f"Sampler: {made.discrete_sampler}",
                f"Random numbers: {made.random_numbers}",
                f"Floating point: {made.floating_point}",
                f"Counted on: {expert.model.counted_on}",
                f"Isolation of the process that adds the noise: {', '.join(expert.model.isolation) or 'none stated'}",
                f"Most cells a respondent touches, by attribute ({made.contribution_bounds_source}): {bounds}",
                f"Software: {software}",
            )
        ),
        "justification": _listed(
            (
                f"Kind of noise: {made.justification}",
                f"Approval: {expert.governance.approvals_statement}",
                precision,
                *(f"Known limit: {limit}" for limit in expert.known_limits),
            )
        ),
    }


def _bounds(found: tuple[Bound, ...]) -> str:
    """How many attributes have each bound; those of more than one cell by name."""
    single = sum(bound.at_most_cells == 1 for bound in found)
    more = [f"{bound.attribute}: {bound.at_most_cells}" for bound in found if bound.at_most_cells > 1]
    return "; ".join((f"1 in each of {single} attributes", *([", ".join(more)] if more else ())))
