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
    "product": {"name", "data_curators", "intended_use", "data_product_type", "description", "publication_date", "data_product_sector"},
    "dp_flavor": {"name", "input_metric", "bound_on_input_distance", "output_measure", "bound_on_output_distance", "data_domain",
                  "unprotected_quantities"},
    "privacy_loss": {"privacy_unit", "privacy_unit_description", "privacy_parameters", "privacy_parameters_description"},
    "model": {"model_name", "model_name_description", "actors", "release_type", "data_source_type", "access_type"},
    "accounting": {"composition", "post_processing"},
    "implementation": {"pre_processing_eda_hyperparameter_tuning", "mechanisms", "justification"},
    "resources": {"sources"},
}  # fmt: skip
"""The registry's sections and fields, as its own entries have them (opendp/deployments-registry-data)."""


@pytest.fixture(scope="module")
def card(sample: Sample) -> Card:
    return build_card(sample.context, sample.estimates)


def test_the_entry_has_the_registrys_sections_and_nothing_else(card: Card) -> None:
    entry = registry_entry(card, curator="City of Riverbend", region="Riverbend")
    assert set(entry) == {"url_slug", "status", "tier", "deployment"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["url_slug"])
    assert {name: set(fields) - {"data_product_region"} for name, fields in entry["deployment"].items()} == SECTIONS
    for section in entry["deployment"].values():
        assert all(value not in (None, "", [], {}) for value in section.values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["deployment"]["product"]["publication_date"])
    assert entry["deployment"]["product"]["data_curators"] == ["City of Riverbend"]


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
