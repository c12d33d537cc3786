"""report.html: one offline page, rendered from the released tables and the card only."""

from collections.abc import Callable
from math import floor
from pathlib import Path
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from pipelines.outlet.charts import Scale as Axis
from pipelines.outlet.charts import epsilon_words, position, reason_words
from pipelines.outlet.importance import importance_pairs
from pipelines.outlet.language import N_, date_words, general, gettext, ngettext, number, percent, speaking
from pipelines.outlet.parquet import read_parquet
from pipelines.outlet.resident import moved_words
from pipelines.outlet.templating import page_environment
from pipelines.outlet.view import view_of
from pipelines.outlet.wording import editions_of, in_edition, plain
from schemas.card import Card, ScopeLoss
from schemas.errors import IntegrityFault
from schemas.manifest import CARD_FILE, ESTIMATES_FILE, SUMMARY_FILE
from schemas.plan import NANO
from schemas.released import ESTIMATES_SCHEMA, REASONS, SUMMARY_SCHEMA

_SCOPE_NAMES = {
    "release": N_("this release"),
    "wave": N_("this wave"),
    "year": N_("this year"),
    "lifetime": N_("all time"),
}


def scope_row(scope: ScopeLoss) -> dict[str, str]:
    """A scope's loss and cap in words and as a bar."""
    share = scope.spent_nano_rho / scope.cap_nano_rho if scope.cap_nano_rho else 1.0
    left = max(0.0, 1 - share)
    return {
        "name": gettext(_SCOPE_NAMES[scope.scope]),
        "spent": epsilon_words(scope.spent_epsilon),
        "cap": epsilon_words(scope.cap_epsilon),
        "share": position(share, Axis(0.0, 1.0)),
        "left": gettext("nothing") if left < 0.005 else percent(floor(100 * left)),
    }


def year_line(card: Card) -> str:
    """What all waves of the year so far cost together, in one line."""
    loss = card.expert.privacy_loss
    year = loss.spent.year
    waves = ngettext("The only wave", "All {count} waves", year.waves).format(count=number(year.waves))
    releases = ngettext("one release", "{count} releases", year.charges).format(count=number(year.charges))
    return gettext(
        "{waves} of {year} so far ({releases}, failed ones included) cost ε {epsilon} together at δ = {delta} (ρ "
        "{rho}, the sum of theirs): they could move odds of 50:50 that somebody gave a certain answer to {moved}."
    ).format(
        waves=waves,
        year=card.year,
        releases=releases,
        epsilon=epsilon_words(year.spent_epsilon),
        delta=delta_words(card),
        rho=general(float(f"{year.spent_nano_rho / NANO:.4g}")),
        moved=moved_words(loss.odds_this_year.answered_pct),
    )


def delta_words(card: Card) -> str:
    """δ as mathematicians write it."""
    return f"{card.expert.privacy_loss.privacy_parameters.delta:g}".replace("e-0", "e-")


def loss_words(card: Card) -> dict[str, Any]:
    """What both pages say of the loss, in the language spoken."""
    loss = card.expert.privacy_loss
    return {
        "loss": loss,
        "scopes": [scope_row(scope) for scope in loss.spent.scopes()],
        "date": date_words(card.time),
        "rho": general(float(f"{loss.charge_nano_rho / NANO:.4g}")),
        "epsilon": epsilon_words(loss.privacy_parameters.epsilon),
        "delta": delta_words(card),
        "pure": epsilon_words(loss.privacy_parameters.pure_epsilon),
    }


def page_of(card: Card, title: str, body: Callable[[Card, str], str], style: str = "") -> str:
    """A page of every edition of a card. `body` renders one, from the card as it words it and a prefix for its ids."""
    shown: list[dict[str, str]] = []
    for edition in editions_of(card):
        with speaking(edition.sentences):
            told = in_edition(card, edition)
            words = {"body": Markup(body(told, edition.prefix)), "footer": f"{plain(told.title)} {card.wave}"}  # noqa: S704
        shown.append(edition._asdict() | words)
    with speaking(shown[0]["sentences"]):
        frame = page_environment().get_template("report.html.j2")
        return frame.render(editions=shown, title=title, style=Markup(style))  # noqa: S704  (ours)


def render_report(card: Card, estimates: pa.Table, summary: pa.Table) -> str:
    """The whole page, in every language of the questionnaire. The same card and tables give the same bytes."""

    def body(told: Card, prefix: str) -> str:
        words: dict[str, Any] = {
            "p": prefix,
            "card": told,
            "view": view_of(told, estimates, summary),
            "importance": importance_pairs(told, summary),
            "question_count": sum(a.origin == "question" and a.kind != "net" for a in told.instrument.attributes),
            "year_line": year_line(told),
            "reasons": [(reason_words(code), gettext(words)) for code, words in REASONS.items()],
        }
        return page_environment().get_template("edition.html.j2").render(words | loss_words(told))

    return page_of(card, f"{card.title} {card.wave}", body)


def report_from_folder(folder: Path) -> str:
    """The page of a release, from its Parquet and card: the bytes that were published, unless hearsafe changed.

    Raises: IntegrityFault: a file is missing or damaged. It does not check the signature; that is `verify`.
    """
    card = Card.model_validate_json(_read(folder / CARD_FILE))
    estimates, _ = read_parquet(_read(folder / ESTIMATES_FILE), ESTIMATES_SCHEMA, ESTIMATES_FILE)
    summary, _ = read_parquet(_read(folder / SUMMARY_FILE), SUMMARY_SCHEMA, SUMMARY_FILE)
    return render_report(card, estimates, summary)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise IntegrityFault("file_missing", "the file cannot be read", where=path.name) from None
