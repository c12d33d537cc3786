"""The release card as a page of two faces: one screen for residents, and the side for experts under it."""

from typing import Any

from markupsafe import Markup

from pipelines.outlet.charts import date_words, epsilon_words
from pipelines.outlet.report import page_environment, scope_row
from schemas.card import Card
from schemas.plan import NANO

_LANGUAGE_OF_PAGE = "en"


def render_card(card: Card) -> str:
    """The whole page, offline and without script. The same card gives the same bytes."""
    loss = card.expert.privacy_loss
    parameters = loss.privacy_parameters
    foreign = card.instrument.language != _LANGUAGE_OF_PAGE
    words: dict[str, Any] = {
        "card": card,
        "loss": loss,
        "lang": Markup(' lang="{}"').format(card.instrument.language) if foreign else "",
        "scopes": [scope_row(scope) for scope in loss.spent.scopes()],
        "date": date_words(card.time),
        "rho": f"{loss.charge_nano_rho / NANO:.4g}",
        "epsilon": epsilon_words(parameters.epsilon),
        "delta": f"{parameters.delta:g}".replace("e-0", "e-"),
        "pure": epsilon_words(parameters.pure_epsilon),
        "languages": (),
    }
    return page_environment().get_template("card.html.j2").render(words)
