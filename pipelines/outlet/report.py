"""report.html: one offline page, rendered from the released tables and the card only."""

from functools import lru_cache
from math import floor
from pathlib import Path
from typing import Any

import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.outlet.charts import REASON_WORDS, date_words, epsilon_words, position
from pipelines.outlet.charts import Scale as Axis
from pipelines.outlet.importance import importance_pairs
from pipelines.outlet.parquet import read_parquet
from pipelines.outlet.view import view_of
from pipelines.outlet.wording import languages_of, plain
from privacy.odds import percent_words
from schemas.card import Card, ScopeLoss
from schemas.errors import IntegrityFault
from schemas.manifest import CARD_FILE, ESTIMATES_FILE, SUMMARY_FILE
from schemas.plan import NANO
from schemas.released import ESTIMATES_SCHEMA, REASONS, SUMMARY_SCHEMA

_TEMPLATES = Path(__file__).parent / "templates"
_LANGUAGE_OF_PAGE = "en"
_SCOPE_NAMES = {"release": "this release", "wave": "this wave", "year": "this year", "lifetime": "all time"}


@lru_cache(maxsize=1)
def page_environment() -> Environment:
    """Templates of the pages; everything in them is escaped."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["plain"] = plain
    made.filters["cssquote"] = _css_text
    return made


def _css_text(text: str) -> Markup:
    """A text inside a CSS string in a style element: everything but plain letters and digits is escaped by number."""
    return Markup("").join(
        c if c.isascii() and (c.isalnum() or c in " .,-") else Markup(f"\\{ord(c):x} ")  # noqa: S704  (hexadecimal)
        for c in text
    )


def scope_row(scope: ScopeLoss) -> dict[str, str]:
    """A scope's loss and cap in words and as a bar."""
    share = scope.spent_nano_rho / scope.cap_nano_rho if scope.cap_nano_rho else 1.0
    left = max(0.0, 1 - share)
    return {
        "name": _SCOPE_NAMES[scope.scope],
        "spent": epsilon_words(scope.spent_epsilon),
        "cap": epsilon_words(scope.cap_epsilon),
        "share": position(share, Axis(0.0, 1.0)),
        "left": "nothing" if left < 0.005 else f"{floor(100 * left)}%",
    }


def year_line(card: Card) -> str:
    """What all waves of the year so far cost together, in one line."""
    loss = card.expert.privacy_loss
    year = loss.spent.year
    waves = "The only wave" if year.waves == 1 else f"All {year.waves} waves"
    moved = percent_words(loss.odds_this_year.answered_pct)
    releases = "one release" if year.charges == 1 else f"{year.charges} releases"
    return (
        f"{waves} of {card.year} so far ({releases}, failed ones included) cost ε {epsilon_words(year.spent_epsilon)} "
        f"together at δ = {_delta_words(card)} (ρ {year.spent_nano_rho / NANO:.4g}, the sum of theirs): "
        f"they could move odds of 50:50 that somebody gave a certain answer to {moved}."
    )


def _delta_words(card: Card) -> str:
    return f"{card.expert.privacy_loss.privacy_parameters.delta:g}".replace("e-0", "e-")


def render_report(card: Card, estimates: pa.Table, summary: pa.Table) -> str:
    """The whole page. The same card and tables give the same bytes."""
    loss = card.expert.privacy_loss
    foreign = card.instrument.language != _LANGUAGE_OF_PAGE
    pure = loss.privacy_parameters.pure_epsilon
    words: dict[str, Any] = {
        "card": card,
        "view": view_of(card, estimates, summary),
        "languages": languages_of(card),
        "importance": importance_pairs(card, summary),
        "lang": Markup(' lang="{}"').format(card.instrument.language) if foreign else "",
        "loss": loss,
        "scopes": [scope_row(scope) for scope in loss.spent.scopes()],
        "question_count": sum(a.origin == "question" and a.kind != "net" for a in card.instrument.attributes),
        "date": date_words(card.time),
        "rho": f"{loss.charge_nano_rho / NANO:.4g}",
        "epsilon": epsilon_words(loss.privacy_parameters.epsilon),
        "delta": _delta_words(card),
        "year_line": year_line(card),
        "pure": epsilon_words(pure),
        "reasons": [(REASON_WORDS[code], words) for code, words in REASONS.items()],
    }
    return page_environment().get_template("report.html.j2").render(words)


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
