"""A label of the questionnaire in every language the survey has it in, shown in the one the reader picks.

The page holds all of them and needs no script: a radio button and CSS choose.
"""

from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

from schemas.card import Card, CardAttribute, CardIndex, Instrument

_NAMES = {
    "ar": "العربية", "de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "ht": "Kreyòl ayisyen",
    "it": "Italiano", "ja": "日本語", "ko": "한국어", "nl": "Nederlands", "pl": "Polski", "pt": "Português",
    "ru": "Русский", "so": "Soomaali", "tl": "Tagalog", "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""Names of languages in themselves; a language without one is shown by its tag."""


class Wording(str):
    """A label, which is its text in the survey's first language; `versions` has each other language that differs.

    >>> Wording.of("Age", "en", {"es": "Edad"}).__html__()
    Markup('<span class="w l-en" lang="en">Age</span><span class="w l-es" lang="es">Edad</span>')
    """

    __slots__ = ("language", "versions")
    language: str
    versions: Mapping[str, str]

    @classmethod
    def of(cls, text: str, language: str, versions: Mapping[str, str]) -> str:
        """The wording; a plain text where no language says it differently."""
        if all(version == text for version in versions.values()):
            return text
        made = cls(text)
        made.language, made.versions = language, versions
        return made

    def __html__(self) -> Markup:
        """Every language's span, for a template that escapes."""
        spans = {self.language: str(escape(str.__str__(self)))}
        spans |= {tag: str(escape(text)) for tag, text in self.versions.items()}
        return Markup("").join(
            Markup(f'<span class="w l-{escape(tag)}" lang="{escape(tag)}">{text}</span>')  # noqa: S704  (escaped above)
            for tag, text in spans.items()
        )


def plain(text: str) -> str:
    """A label where no markup can stand: its first language."""
    return str.__str__(text)


def phrase(words: Callable[..., str], *parts: str) -> str:
    """A text made of labels, in each of their languages."""
    worded = [part for part in parts if isinstance(part, Wording)]
    tags = dict.fromkeys(tag for part in worded for tag in part.versions)
    versions = {
        tag: words(*(p.versions.get(tag, plain(p)) if isinstance(p, Wording) else p for p in parts)) for tag in tags
    }
    whole = words(*(plain(part) for part in parts))
    return Wording.of(whole, worded[0].language, versions) if worded else whole


def languages_of(card: Card) -> tuple[tuple[str, str], ...]:
    """(tag, name) of every language of the questionnaire, the first one first; empty where there is only one."""
    tags = [card.instrument.language, *(t.language for t in card.instrument.translations)]
    return tuple((tag, _NAMES.get(tag, tag)) for tag in tags) if len(tags) > 1 else ()


def worded(instrument: Instrument) -> Instrument:
    """The questionnaire with its labels as wordings. They compare, sort and print as the plain labels do."""
    if not instrument.translations:
        return instrument

    def of(text: str, key: str) -> str:
        versions = {t.language: t.labels.get(key, text) for t in instrument.translations}
        return Wording.of(text, instrument.language, versions)

    def attribute_of(attribute: CardAttribute) -> CardAttribute:
        cells = tuple(
            cell.model_copy(update={"label": of(cell.label, f"{attribute.id}/{cell.code}")}) for cell in attribute.cells
        )
        base = attribute.base and of(attribute.base, f"{attribute.id}#base")
        return attribute.model_copy(update={"label": of(attribute.label, attribute.id), "base": base, "cells": cells})

    def index_of(index: CardIndex) -> CardIndex:
        return index.model_copy(update={"label": of(index.label, index.id)})

    return instrument.model_copy(
        update={
            "attributes": tuple(map(attribute_of, instrument.attributes)),
            "indices": tuple(map(index_of, instrument.indices)),
        }
    )


def title_of(card: Card) -> str:
    """The survey's title as a wording."""
    versions = {t.language: t.title or card.title for t in card.instrument.translations}
    return Wording.of(card.title, card.instrument.language, versions)
