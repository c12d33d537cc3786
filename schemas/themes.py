"""Themes of open comments: a public dictionary of words, by which comments are coded inside the zone."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, RootModel, StringConstraints

from schemas.base import Declared, Text

LONGEST_WORD = 100


_WORD = re.compile(r"[^\W_]+")
_DROPPED = {"Mn", "Cf"}
"""Accents and invisible characters, by Unicode category."""


def words_of(text: str) -> list[str]:
    """The words of a text, in one case, without accents and compatibility forms.

    >>> words_of("¡Más TRÁFICO, en la calle-mayor!")
    ['mas', 'trafico', 'en', 'la', 'calle', 'mayor']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = "".join(c for c in text if unicodedata.category(c) not in _DROPPED)
    return _WORD.findall(text.casefold())


def _some_letter(word: str) -> str:
    if not words_of(word):
        raise ValueError("must have letters or digits")
    if any(
        "*" in part.rstrip("*") or part.endswith("**") or not words_of(part) for part in word.split() if "*" in part
    ):
        raise ValueError("* stands only at the end of a word")
    return word


Word = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_WORD), AfterValidator(_some_letter)]
"""A word, several in a row, or the beginning of words: `bus`, `public transport`, `traffic*`."""


class Theme(Declared):
    """One theme: a comment has it when any of its words is in it, in any case and with or without accents."""

    label: Text
    words: Annotated[tuple[Word, ...], Field(min_length=1, max_length=1000)]


Themes = Annotated[dict[str, Theme], Field(min_length=1, max_length=240)]
"""By code, in the order that decides which stay where a comment has more than are counted."""


class ThemeDictionary(RootModel[Themes]):
    """A dictionary file."""
