"""The report's editions: one a language of the questionnaire, each whole, its own sentences where they are shipped.

A label that is not in the language of the sentences around it is marked with its own, for screen readers.
"""

from typing import Any, NamedTuple

from markupsafe import Markup, escape

from pipelines.outlet.language import sentences_in
from schemas.card import Card, CardAttribute, CardIndex, ExpertFace, Instrument, ResidentFace

_NAMES = {
    "ar": "العربية", "de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "ht": "Kreyòl ayisyen",
    "it": "Italiano", "ja": "日本語", "ko": "한국어", "nl": "Nederlands", "pl": "Polski", "pt": "Português",
    "ru": "Русский", "so": "Soomaali", "tl": "Tagalog", "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""Names of languages in themselves; a language without one is shown by its tag."""


class Edition(NamedTuple):
    """`tag`: the language of the labels. `sentences`: that of our sentences. `prefix`: of ids, empty for the first."""

    tag: str
    name: str
    sentences: str
    prefix: str


class Foreign(str):
    """A label in another language than the sentences around it.

    >>> Foreign.of("Edad", "es").__html__()
    Markup('<span lang="es">Edad</span>')
    """

    __slots__ = ("language",)
    language: str

    @classmethod
    def of(cls, text: str, language: str) -> "Foreign":
        """The label, marked."""
        made = cls(text)
        made.language = language
        return made

    def __html__(self) -> Markup:
        """For a template that escapes."""
        return Markup('<span lang="{}">{}</span>').format(self.language, escape(str.__str__(self)))


def plain(text: str) -> str:
    """A label where no markup can stand."""
    return str.__str__(text)


def phrase(template: str, *parts: str) -> Markup:
    """A text made of labels, which keep their marks."""
    return escape(template).format(*parts)


def editions_of(card: Card) -> tuple[Edition, ...]:
    """One of every language of the questionnaire, its first language first."""
    tags = [card.instrument.language, *(t.language for t in card.instrument.translations)]
    return tuple(
        Edition(tag, _NAMES.get(tag, tag), sentences_in(tag), f"{tag}-" if number else "")
        for number, tag in enumerate(tags)
    )


def in_edition(card: Card, edition: Edition) -> Card:
    """The card with title, labels and faces as an edition words them. Labels compare, sort and print as texts."""
    shown = card.model_copy(update={"title": _title(card, edition), "instrument": _worded(card.instrument, edition)})
    found = next((face for face in card.faces if face.language == edition.sentences), None)
    if found is None:
        return shown
    faces: dict[str, Any] = card.model_dump(mode="json", include={"resident", "expert"})
    for place, sentence in found.sentences.items():
        _put(faces, place.split("."), sentence)
    return shown.model_copy(
        update={
            "resident": ResidentFace.model_validate(faces["resident"]),
            "expert": ExpertFace.model_validate(faces["expert"]),
        }
    )


def _put(tree: Any, path: list[str], sentence: str) -> None:
    *way, last = (int(step) if step.isdigit() else step for step in path)
    for step in way:
        tree = tree[step]
    tree[last] = sentence


def _in(text: str, language: str, edition: Edition) -> str:
    return text if language.partition("-")[0] == edition.sentences else Foreign.of(text, language)


def _title(card: Card, edition: Edition) -> str:
    own = {t.language: t.title for t in card.instrument.translations}
    title = own.get(edition.tag)
    return _in(title, edition.tag, edition) if title else _in(card.title, card.instrument.language, edition)


def _worded(instrument: Instrument, edition: Edition) -> Instrument:
    labels = next((t.labels for t in instrument.translations if t.language == edition.tag), {})

    def of(text: str, key: str) -> str:
        found = labels.get(key)
        return _in(text, instrument.language, edition) if found is None else _in(found, edition.tag, edition)

    def attribute_of(attribute: CardAttribute) -> CardAttribute:
        cells = tuple(
            cell.model_copy(update={"label": of(cell.label, f"{attribute.id}/{cell.code}")}) for cell in attribute.cells
        )
        base = attribute.base and of(attribute.base, f"{attribute.id}#base")
        unit = attribute.measure_unit and of(attribute.measure_unit, f"{attribute.id}#unit")
        options = {code: of(label, f"{attribute.id}/{code}") for code, label in attribute.options.items()}
        told = {"label": of(attribute.label, attribute.id), "base": base, "measure_unit": unit, "options": options}
        return attribute.model_copy(update={**told, "cells": cells})

    def index_of(index: CardIndex) -> CardIndex:
        return index.model_copy(update={"label": of(index.label, index.id)})

    return instrument.model_copy(
        update={
            "attributes": tuple(map(attribute_of, instrument.attributes)),
            "indices": tuple(map(index_of, instrument.indices)),
        }
    )
