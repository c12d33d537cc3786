"""Every sentence of the report and the card is in every shipped language, and nothing on a page is in another."""

import re
from gettext import NullTranslations
from html.parser import HTMLParser

import pytest
from babel.messages.pofile import read_po

from pipelines.outlet import language
from pipelines.outlet.card import build_card
from pipelines.outlet.card_page import render_card
from pipelines.outlet.language import ENGLISH, SHIPPED, catalogue, date_words, general, number, percent, speaking
from pipelines.outlet.messages import template, updated
from pipelines.outlet.noise_reason import noise_reason
from pipelines.outlet.parquet import estimates_table, summary_table
from pipelines.outlet.report import render_report
from pipelines.outlet.wording import editions_of, in_edition
from schemas.card import Card
from tests.outlet_sample import Sample, make_sample

FOREIGN = [tag for tag in SHIPPED if tag != ENGLISH]
NAMES = re.compile(r"%\(\w+\)s|\{\w*\}|%%|</?\w+>")


def test_spanish_and_french_are_shipped() -> None:
    assert {"es", "fr"} <= set(FOREIGN)
    assert len(template()) > 300


@pytest.mark.parametrize("tag", FOREIGN)
def test_every_sentence_is_there_with_the_same_places_for_numbers(tag: str) -> None:
    with catalogue(tag).open("rb") as text:
        found = read_po(text, locale=tag)
    for message in template():
        if not message.id:
            continue
        theirs = found.get(message.id)
        assert theirs is not None and theirs.string and not theirs.fuzzy, message.id
        forms = theirs.string if isinstance(theirs.string, tuple) else (theirs.string,)
        ours = message.id if isinstance(message.id, tuple) else (message.id,)
        assert all(forms), message.id
        assert sorted(NAMES.findall(forms[-1])) == sorted(NAMES.findall(ours[-1])), message.id


@pytest.mark.parametrize("tag", FOREIGN)
def test_the_catalogues_are_those_of_todays_sentences(tag: str) -> None:
    assert catalogue(tag).read_bytes() == updated(tag), "run make messages"


class _Marked(NullTranslations):
    """A language in which every sentence of a catalogue stands between marks."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


class _Text(HTMLParser):
    """What a reader sees or hears: texts and spoken labels."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("style", "code")
        self.said += [value or "" for name, value in attrs if name == "aria-label"]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "code")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(data)


def _pages(sample: Sample) -> tuple[Card, tuple[str, str]]:
    attributes = {a.id: a for a in sample.context.attributes}
    estimates = estimates_table(sample.context.plan, attributes, sample.estimates)
    card = build_card(sample.context, sample.estimates)
    return card, (render_report(card, estimates, summary_table("s", "w", sample.summary)), render_card(card))


def _labels(card: Card) -> set[str]:
    shown = in_edition(card, editions_of(card)[0])
    found = {str.__str__(shown.title), shown.survey, shown.wave, shown.release_id, shown.release_id[:8]}
    for attribute in shown.instrument.attributes:
        found |= {attribute.id, str.__str__(attribute.label), *(str.__str__(cell.label) for cell in attribute.cells)}
        found |= {str.__str__(text) for text in (attribute.base, attribute.measure_unit) if text}
    found |= {str.__str__(index.label) for index in shown.instrument.indices}
    tables = {table.table for table in shown.expert.implementation.measured}
    return found | tables | {f"{name} {at}" for name, at in shown.expert.implementation.software.items()}


def test_nothing_is_said_that_no_catalogue_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a language of marks, what stands outside of them is a label of the questionnaire, a number or a symbol."""
    sample = make_sample(ratings=10, people=893, sd=9.0, needed=1, language="es", planned=True)
    monkeypatch.setattr(language, "_translations", lambda _: _Marked())
    card, pages = _pages(sample)
    labels = sorted(_labels(card), key=len, reverse=True)
    for page in pages:
        text = "\n".join(_Text(page).said)
        assert "⟦" in text
        while "⟦" in text:
            shorter = re.sub("⟦[^⟦⟧]*⟧", "", text)
            assert shorter != text
            text = shorter
        text = re.sub(r"\d+ de [a-z]+ de \d{4}", "", text)  # CLDR's date
        for label in labels:
            text = text.replace(label, "")
        assert re.findall(r"[^\W\d_]{2,}", text) == []


@pytest.mark.parametrize("tag", FOREIGN)
def test_no_english_sentence_is_left_on_a_page_of_another_language(tag: str) -> None:
    sample = make_sample(ratings=10, people=893, sd=9.0, needed=1, language=tag, planned=True)
    card, pages = _pages(sample)
    with catalogue(tag).open("rb") as text:
        theirs = read_po(text, locale=tag)
    english = {
        part.strip()
        for message in theirs
        for part in NAMES.split(message.id if isinstance(message.id, str) else message.id[1])
        if message.id and len(part.split()) > 2
    }
    assert len(english) > 150
    assert (card.resident.how, card.faces[0].language) == (
        "We count the answers, then add random noise to every count before anybody sees it.",
        tag,
    )
    for page in pages:
        assert f'<html lang="{tag}">' in page
        text = "\n".join(_Text(page).said)
        assert [sentence for sentence in english if sentence in text] == []


def test_the_face_for_residents_is_on_the_card_in_each_language_of_the_survey() -> None:
    sample = make_sample(ratings=3, people=200, languages=("es", "fr", "so"))
    card = build_card(sample.context, sample.estimates)
    assert [face.language for face in card.faces] == ["es", "fr"]
    assert [(e.tag, e.sentences) for e in editions_of(card)] == [("en", "en"), ("es", "es"), ("fr", "fr"), ("so", "en")]
    english, spanish, french, somali = (in_edition(card, edition).resident for edition in editions_of(card))
    assert somali == english == card.resident
    assert spanish.who_sees_results == "Cualquiera puede ver los resultados con ruido. Nadie recibe los exactos."
    assert french.not_protected[-1] == "Ce que vous dites à d'autres."
    assert "es: Riverbend Community Survey" in spanish.asked
    told = in_edition(card, editions_of(card)[2]).expert
    assert (
        told.accounting.post_processing[1] == "rétrécissement des interactions selon l'a priori public de la politique"
    )
    assert told.privacy_loss.spent == card.expert.privacy_loss.spent


def test_numbers_and_dates_are_those_of_the_language() -> None:
    time = "2026-11-03T10:00:00Z"
    assert (number(12345.6, 1), percent(56), general(0.08815), date_words(time)) == (
        "12,345.6", "56%", "0.08815", "3 November 2026",
    )  # fmt: skip
    with speaking("es"):
        assert (number(12345.6, 1), percent(56), general(0.08815), date_words(time)) == (
            "12.345,6", "56\u00a0%", "0,08815", "3 de noviembre de 2026",
        )  # fmt: skip
        with speaking("fr"):
            assert (number(-12345), percent(56)) == ("\u221212\u202f345", "56\u00a0%")
        assert number(0.5, 1) == "0,5"
    assert number(0.5, 1) == "0.5"


def test_the_reason_for_the_noise_keeps_its_numbers() -> None:
    said = (
        "at epsilon 2 the expected error of a cell, weighted over all tables, is 18.9 people with Gaussian and 23.6 with "
        "Laplace noise; the caps in rho let Laplace noise use epsilon 1.97 of 2"
    )
    assert noise_reason(said) == said
    with speaking("es"):
        told = noise_reason(said)
    assert re.findall(r"[\d.]+", told) == ["2", "18.9", "23.6", "1.97", "2"]
    assert "epsilon" not in told
    assert noise_reason("a reason of a later version") == "a reason of a later version"
