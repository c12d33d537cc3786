"""The card's exports: the page of two faces and the entry of the public registry, both made of the card alone."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipelines.outlet.card import build_card
from pipelines.outlet.card_page import render_card
from pipelines.outlet.registry import registry_entry, registry_yaml
from schemas.card import Card
from tests.browser import chromium_page
from tests.outlet_sample import Sample, make_sample

SECTIONS = {
    "product": {"name", "data_curators", "intended_use", "data_product_type", "data_product_region", "description", "publication_date",
                "data_product_sector"},
    "dp_flavor": {"name", "input_metric", "bound_on_input_distance", "output_measure", "bound_on_output_distance", "data_domain",
                  "unprotected_quantities"},
    "privacy_loss": {"privacy_unit", "privacy_unit_description", "privacy_parameters", "privacy_parameters_description"},
    "model": {"model_name", "model_name_description", "actors", "release_type", "release_type_description", "data_source_type", "access_type"},
    "accounting": {"composition", "post_processing"},
    "implementation": {"pre_processing_eda_hyperparameter_tuning", "mechanisms", "justification"},
    "resources": {"sources", "registry_authors"},
}  # fmt: skip
"""The registry's sections and fields, as its own entries have them (opendp/deployments-registry-data)."""


@pytest.fixture(scope="module")
def card(sample: Sample) -> Card:
    return build_card(sample.context, sample.estimates)


def test_the_entry_has_the_registrys_sections_and_nothing_else(card: Card) -> None:
    entry = registry_entry(card, curator="City of Riverbend", region="Riverbend")
    assert set(entry) == {"url_slug", "status", "tier", "deployment"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["url_slug"])
    assert {name: set(fields) for name, fields in entry["deployment"].items()} == SECTIONS
    for section in entry["deployment"].values():
        assert all(value not in (None, "", [], {}) for value in section.values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["deployment"]["product"]["publication_date"])
    assert entry["deployment"]["product"]["data_curators"] == ["City of Riverbend"]
    assert entry["deployment"]["product"]["data_product_region"] == "Riverbend"


ENUMERATIONS = {
    ("product", "data_product_type"): {"Summary statistics", "Machine learning model", "Dataset"},
    ("product", "data_product_sector"): {"Technology", "Healthcare", "Education", "Government"},
    ("dp_flavor", "name"): {"Pure DP", "Approximate DP", "Zero-concentrated DP", "Renyi DP", "Custom"},
    ("model", "model_name"): {"Local", "Central", "Shuffle", "Federated"},
    ("model", "release_type"): {"One release", "Many releases"},
    ("model", "data_source_type"): {"Static", "Dynamic"},
    ("model", "access_type"): {"Interactive", "Non-interactive"},
}
"""Values that the registry's schema and entries know."""


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_entry_has_values_that_the_registry_knows_and_is_english(noise: str, language: str) -> None:
    made = make_sample(ratings=3, people=60, noise=noise, sd=40, language=language)
    entry = registry_entry(build_card(made.context, made.estimates))
    deployment = entry["deployment"]
    for (section, field), values in ENUMERATIONS.items():
        assert deployment[section][field] in values
    assert (entry["status"], entry["tier"]) == ("Draft", 3)
    parameters = deployment["privacy_loss"]["privacy_parameters"]
    assert set(parameters) == ({"epsilon"} if noise == "laplace" else {"rho", "epsilon", "delta"})
    assert all(isinstance(value, float) for value in parameters.values())
    texts = [text for section in deployment.values() for text in section.values() if isinstance(text, str)]
    assert not any(word in text for text in texts for word in ("ruido", "respuestas", "tablas"))


def test_the_entry_says_who_approved_and_what_is_not_known(card: Card) -> None:
    justified = registry_entry(card)["deployment"]["implementation"]["justification"]
    assert f"- Approval: {card.expert.governance.approvals_statement}" in justified
    assert justified.count("- Known limit: ") == len(card.expert.known_limits)


def test_the_entry_states_the_cards_own_loss(card: Card) -> None:
    given = registry_entry(card)["deployment"]["privacy_loss"]["privacy_parameters"]
    stated = card.expert.privacy_loss.privacy_parameters
    assert given == {"rho": stated.rho, "epsilon": stated.epsilon, "delta": stated.delta}
    laplace = make_sample(ratings=3, people=60, noise="laplace", sd=40)
    pure = build_card(laplace.context, laplace.estimates)
    found = registry_entry(pure)["deployment"]
    assert found["privacy_loss"]["privacy_parameters"] == {
        "epsilon": pure.expert.privacy_loss.privacy_parameters.pure_epsilon
    }
    assert found["dp_flavor"]["name"] == "Pure DP"


def test_the_yaml_reads_back_as_the_entry(card: Card) -> None:
    text = registry_yaml(card)
    assert YAML(typ="safe").load(text) == registry_entry(card)
    assert registry_yaml(card) == text


def test_the_page_has_both_faces_and_needs_nothing_else(card: Card) -> None:
    page = render_card(card)
    assert render_card(card) == page
    assert page.index("For residents") < page.index("For experts")
    for words in (card.resident.odds, card.release_id, card.ledger.head.hash):
        assert words in page
    assert not re.search(r"<script|https?:|//[a-z]|@import|url\(", page)


@pytest.mark.extended
@pytest.mark.needs_chromium
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_chromium(card: Card, chromium: Path, tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "card.html"
    path.write_text(render_card(card).replace("<details>", "<details open>"))
    with chromium_page(
        chromium, color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 800}
    ) as watched:
        watched.page.goto(path.as_uri())
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert watched.requests == [path.as_uri()]
        assert watched.violations() == ""
        assert watched.complaints == []
        watched.page.set_viewport_size({"width": 1280, "height": 1100})
        watched.keep(f"card-{scheme}", full_page=False)
