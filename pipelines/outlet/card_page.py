"""The release card as a page of two faces: one screen for residents, and the side for experts under it."""

from pipelines.outlet.language import N_, gettext, speaking
from pipelines.outlet.report import delta_words, loss_words, page_of
from pipelines.outlet.templating import page_environment
from pipelines.outlet.wording import editions_of
from schemas.card import Card

_STYLE = """
.face { background: var(--soft); border-radius: .75rem; padding: 1.5rem 1.75rem; margin: 1.5rem 0 2rem; } .face h2 { margin: 0; padding: 0; border: 0; } .face dl.plain { margin-bottom: 0; } header.top { padding: 2rem 0 0; }
@media print { .face { break-inside: avoid; padding: .8rem 1rem; } }
"""  # noqa: E501  (a style sheet)
_MECHANISMS = {"discrete_gaussian": N_("discrete Gaussian"), "discrete_laplace": N_("discrete Laplace")}
_ISOLATION = {
    "separate process": N_("separate process"),
    "clean environment": N_("clean environment"),
    "no network": N_("no network"),
    "no core dumps": N_("no core dumps"),
}


def render_card(card: Card) -> str:
    """The whole page, in every language of the questionnaire, offline and without script: the same bytes again."""

    def body(told: Card, prefix: str) -> str:
        caption = gettext("Loss at the time of this release, this release included (ε at δ = {})")
        isolation = [gettext(_ISOLATION.get(measure, measure)) for measure in told.expert.model.isolation]
        return (
            page_environment()
            .get_template("card.html.j2")
            .render(
                p=prefix,
                card=told,
                losses_caption=caption.format(delta_words(told)),
                isolation=", ".join(isolation) or gettext("none stated"),
                mechanisms=_MECHANISMS,
                **loss_words(told),
            )
        )

    with speaking(editions_of(card)[0].sentences):
        title = gettext("Release card: {}").format(f"{card.title} {card.wave}")
    return page_of(card, title, body, _STYLE)
