"""Comments: words of a public dictionary, however they are written; at most so many themes; in time, and not kept."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.intake.cells import MissingMap
from pipelines.intake.themes import LONGEST_READ, ThemeCoder
from privacy.sensitivity import table_sensitivity
from schemas.attributes import attributes_of
from schemas.questions import ThemesQuestion
from schemas.themes import ThemeDictionary, words_of
from tests.intake_sample import keyless, take_text

DICTIONARY = {
    "traffic": {"label": {"en": "Traffic", "es": "Tráfico"}, "words": ["traffic", "tráfico", "congest*", "red light"]},
    "transit": {"label": "Public transport", "words": ["bus", "buses", "public transport*"]},
    "parks": {"label": "Parks", "words": ["park", "parks", "green space*", "árbol*"]},
    "taxes": {"label": "Taxes", "words": ["tax*", "311"]},
}
QUESTION = {"id": "comments", "type": "themes", "column": "C", "dictionary": DICTIONARY}
MISSING = {"": "not_answered", "NA": "not_asked"}


def coder(**changes: Any) -> ThemeCoder:
    question = ThemesQuestion.model_validate(QUESTION | changes)
    survey = keyless([question.model_dump()], missing=MISSING)
    return ThemeCoder(question, attributes_of(survey)[0], MissingMap(survey.missing))


def themes(comment: str, **changes: Any) -> list[str]:
    question = ThemesQuestion.model_validate(QUESTION | changes)
    survey = keyless([question.model_dump()], missing=MISSING)
    codes = [cell.code for cell in attributes_of(survey)[0].cells]
    return [code for code, tick in zip(codes, coder(**changes).row(comment), strict=True) if tick]


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("Too much TRAFFIC!", ["traffic"]),
        ("mucho trafico en la calle", ["traffic"]),
        ("mucho TRA\u0301FICO", ["traffic"]),
        ("ｔｒａｆｆｉｃ", ["traffic"]),
        ("tra\u200bff\u00adic", ["traffic"]),
        ("congestion", ["traffic"]),
        ("decongest", ["_none"]),
        ("red\n  light", ["traffic"]),
        ("red traffic light", ["traffic"]),
        ("the light is red", ["_none"]),
        ("redlight", ["_none"]),
        ("bus-stop", ["transit"]),
        ("business", ["_none"]),
        ("Public, transportation", ["transit"]),
        ("public", ["_none"]),
        ("Más ÁRBOLES", ["parks"]),
        ("call 311.", ["taxes"]),
        ("3110", ["_none"]),
        ("taxes & parks; the bus", ["transit", "parks", "taxes"]),
        ("taxes parks bus traffic", ["traffic", "transit", "parks"]),  # at most three, the first of the dictionary
        ("", ["_not_answered"]),
        (" \u00a0", ["_not_answered"]),
        ("-", ["_not_answered"]),
        ("...", ["_not_answered"]),
        ("NA", ["_not_asked"]),
        ("no comment", ["_none"]),
    ],
)
def test_comments(comment: str, found: list[str]) -> None:
    assert themes(comment) == found


def test_the_most_themes_of_a_comment_are_its_sensitivity() -> None:
    for at_most in (1, 2, 4):
        (attribute,) = attributes_of(keyless([QUESTION | {"at_most": at_most}], missing=MISSING))
        bound = table_sensitivity((attribute,), shared_keys=False)
        row = coder(at_most=at_most).row("taxes parks bus traffic")
        assert bound.l1 == bound.l2_squared == at_most == row.sum()
    assert attributes_of(keyless([QUESTION | {"at_most": 9}]))[0].at_most == len(DICTIONARY)


def test_through_intake_only_codes_are_left(tmp_path: Path) -> None:
    text = 'C,x\n"canary, the bus!",1\n,1\ncanary words,1\nNA,1\n'
    taken = take_text(keyless([QUESTION], missing=MISSING), tmp_path, text)
    assert taken.cells("comments") == [["transit"], ["_not_answered"], ["_none"], ["_not_asked"]]
    assert [row["complete"] for row in taken.rows] == [True, False, True, False], "a comment without a theme is one"
    assert "canary" not in repr(taken.rows)


def test_a_source_without_comments_did_not_ask(tmp_path: Path) -> None:
    survey = keyless([QUESTION], missing=MISSING, sources=[{"id": "web", "format": "delimited", "absent": ["C"]}])
    assert take_text(survey, tmp_path, "x,y\n1,2\n").cells("comments") == [["_not_asked"]]


@pytest.mark.parametrize(
    "comment",
    ["a" * 900_000, "bus " * 200_000, "ﷺ" * 200_000, "e\u0301" * 300_000, "public " * 100_000, "*(" * 300_000],
)
def test_no_comment_takes_long(comment: str) -> None:
    """Words of one letter up, beginnings of every length, phrases that nearly match: linear, and bounded."""
    many = {f"t{i}": {"label": "T", "words": [f"public x{i}", "a" * (i % 90 + 1) + "b*", f"e{i}*"]} for i in range(200)}
    code = coder(dictionary=many)
    started = time.process_time()
    code.row(comment)
    assert time.process_time() - started < 2.0


def test_comments_are_read_up_to_a_bound() -> None:
    assert themes("x " * (LONGEST_READ // 2) + "bus") == ["_none"]
    assert themes("x " * (LONGEST_READ // 2 - 4) + "bus") == ["transit"]


@pytest.mark.parametrize("word", ["", "***", "…", "a*b", "bus**", "x" * 101, "\uff9e", "* bus"])
def test_words_that_can_match_nothing_are_refused(word: str) -> None:
    with pytest.raises(ValidationError):
        ThemeDictionary.model_validate({"t": {"label": "T", "words": [word]}})


def test_a_word_is_found_in_itself() -> None:
    rng = np.random.default_rng(1)
    letters = [chr(c) for c in (*range(0x61, 0x7B), 0xDF, 0x130, 0x1C5, 0xFB01, 0x3B1, 0x451, 0xE9, 0x2160, 0x1E9E)]
    for _ in range(200):
        word = "".join(rng.choice(letters, size=6))
        dictionary = {"t": {"label": "T", "words": [word]}}
        for spelling in (word, word.upper(), word.title(), f"({word})"):
            if words_of(spelling) == words_of(word):
                assert themes(spelling, dictionary=dictionary) == ["t"]
        assert themes(word, dictionary=dictionary) == ["t"]
