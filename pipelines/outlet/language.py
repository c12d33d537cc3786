"""The language a page speaks: our sentences from gettext catalogues, numbers and dates as CLDR writes them.

English is in the code, other languages are in `languages/*.po`. What `speaking` names holds for the block under it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

LANGUAGES = Path(__file__).parent / "languages"
ENGLISH = "en"
SHIPPED = (ENGLISH, *sorted(path.stem for path in LANGUAGES.glob("*.po")))
"""Languages that every sentence of ours exists in."""

MINUS = "\u2212"
_LOCALES = {ENGLISH: "en_GB"}
"""Dates as day, month, year."""

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def sentences_in(tag: str) -> str:
    """The shipped language for a language of the survey: itself, or that of which it is a variety; else English.

    >>> sentences_in("es-MX"), sentences_in("so")
    ('es', 'en')
    """
    base = tag.partition("-")[0].lower()
    return base if base in SHIPPED else ENGLISH


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Sentences and numbers are in this shipped language."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """The language that is spoken here."""
    return _spoken.get()


def catalogue(language: str) -> Path:
    """The file of a language's sentences."""
    return LANGUAGES / f"{language}.po"


@lru_cache
def _translations(language: str) -> NullTranslations:
    if language == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with catalogue(language).open("rb") as text:
        write_mo(compiled, read_po(text, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(message: str) -> str:
    """A sentence in the language spoken."""
    return _translations(spoken()).gettext(message)


def ngettext(one: str, more: str, count: int) -> str:
    """A sentence that depends on a number."""
    return _translations(spoken()).ngettext(one, more, count)


def N_(message: str) -> str:  # noqa: N802  (the customary name of the mark)
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return message


@lru_cache(maxsize=4096)
def _decimal(digits: str, decimals: int, language: str) -> str:
    from decimal import Decimal

    from babel.numbers import format_decimal

    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(Decimal(digits), format=pattern, locale=_LOCALES.get(language, language))


def number(value: float, decimals: int = 0) -> str:
    """A number with separators, and a true minus.

    >>> number(1230.0), number(-2.345, 1)
    ('1,230', '−2.3')
    >>> with speaking("es"): number(12345.6, 1)
    '12.345,6'
    """
    digits = f"{value:.{decimals}f}"
    sign = MINUS if digits.startswith("-") else ""
    return sign + _decimal(digits.removeprefix("-"), decimals, spoken())


def general(value: float) -> str:
    """A number with the digits that it needs, as `:g` gives them."""
    digits = f"{value:g}"
    return digits if "e" in digits else number(value, len(digits.partition(".")[2]))


@lru_cache
def _percent_sign(language: str) -> str:
    from babel import Locale

    return str(Locale.parse(_LOCALES.get(language, language)).percent_formats[None].suffix[0])


def percent(whole: int) -> str:
    """A whole percentage.

    >>> percent(56)
    '56%'
    """
    return f"{number(whole)}{_percent_sign(spoken())}"


def date_words(time: str) -> str:
    """The day of an ISO time in words.

    >>> date_words("2026-11-03T10:00:00+00:00")
    '3 November 2026'
    """
    from babel.dates import format_date

    return format_date(date.fromisoformat(time[:10]), "long", locale=_LOCALES.get(spoken(), spoken()))
