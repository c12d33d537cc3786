"""The base of every declared model and the string roles they share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A question, demographic or index: lower case, digits and underscores."""

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A survey, wave, source or population: it becomes a folder name."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _some_language(text: "str | dict[str, str]") -> "str | dict[str, str]":
    if isinstance(text, dict):
        if not text:
            raise ValueError("needs a text in at least one language")
        wrong = [tag for tag in text if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag)]
        if wrong:
            raise ValueError(f"language tag {wrong[0]!r} is not of the form 'en' or 'pt-BR'")
    return text


Text = Annotated[str | dict[str, str], AfterValidator(_some_language)]
"""A text, or one per language tag."""


def text_in(text: str | dict[str, str], language: str = "en") -> str:
    """The text in a language, else in English, else in the first one declared.

    >>> text_in({"es": "Edad"}, "en")
    'Edad'
    """
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()))


def is_unsaid(value: object) -> bool:
    """For `exclude_if` of keys that came later: a declaration that does not use one keeps the digest it had."""
    return value is None


class Declared(BaseModel):
    """Frozen, refuses unknown keys, and never repeats an input value in an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True, coerce_numbers_to_str=True
    )
