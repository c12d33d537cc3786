"""The resident's face of the card: one screen of plain words, made from the plan, the policy and the ledger."""

import re
from collections.abc import Sequence
from typing import Literal

from pipelines.outlet.language import ENGLISH, N_, general, gettext, number, sentences_in, spoken
from privacy.odds import percent_words
from schemas.base import text_in
from schemas.card import AlsoPublished, OddsFigures, ResidentFace
from schemas.policy import Policy, Retention
from schemas.questions import ThemesQuestion
from schemas.survey import Survey


def language_of(survey: Survey) -> str:
    """The first language of the survey's title; English where it is a plain text."""
    return next(iter(survey.title)) if isinstance(survey.title, dict) else "en"


def one_in(chance: float) -> str:
    """A small chance in words, rounded to two digits and never to a smaller one.

    >>> one_in(1e-6), one_in(3.3e-8)
    ('1 in 1,000,000', '1 in 30,000,000')
    """
    exact = int(1 / chance + 1e-9)
    step = 10 ** max(0, len(str(exact)) - 2)
    return gettext("1 in {}").format(number(exact // step * step))


def moved_words(percent: float) -> str:
    """Where a belief can move to, for a sentence: a whole per cent, rounded up, or words where that would read 100.

    >>> moved_words(88.1), moved_words(99.95)
    ('at most 89 %', 'almost certainty')
    """
    words = percent_words(percent)
    share = re.fullmatch(r"at most ([0-9.]+) %", words)
    return gettext("almost certainty") if share is None else gettext("at most {} %").format(general(float(share[1])))


_ODDS = {
    "release": N_(
        "If someone thought the odds were 50:50 that you gave a certain answer, these results could move that to "
        "{answered}. If they only wondered whether you took part at all: to {took_part}{but}."
    ),
    "year": N_(
        "If someone thought the odds were 50:50 that you gave a certain answer, all results of this year so far, taken "
        "together, could move that to {answered}. If they only wondered whether you took part at all: to "
        "{took_part}{but}."
    ),
}


def odds_sentence(figures: OddsFigures, results: Literal["release", "year"]) -> str:
    """What the results of this release, or of this year, could tell somebody about one resident."""
    but = gettext(" (but for a chance of at most {} over the random noise)")
    return gettext(_ODDS[results]).format(
        answered=moved_words(figures.answered_pct),
        took_part=moved_words(figures.took_part_pct),
        but=but.format(one_in(figures.failure)) if figures.failure else "",
    )


def _until(retention: Retention | None) -> str:
    if retention is None:
        return gettext("The privacy policy of this survey gives no date for their destruction.")
    return gettext(
        "The privacy policy asks the operator to destroy the keys that tell residents apart within {close} days after "
        "the last answers came in, and the file itself within {destroy} days."
    ).format(close=retention.close_wave_days, destroy=retention.destroy_zone_days)


_NOT_PROTECTED = (
    N_("Facts that are true of most people like you: they can be learned whether or not you took part."),
    N_("A break-in to the protected zone, or misuse by someone who holds its key, while the zone exists."),
    N_("The survey tool's own copy of your answers, and anything published from it in another way."),
    N_("What you tell others."),
)
_KEPT = N_(
    "Your answers are kept in one encrypted file that a program opens to count them. Whoever holds its key could open "
    "it; nobody else can."
)
_KEPT_ON_CLUSTER = N_(
    "Your answers are kept in one encrypted file, and a copy of them without your name or address lies, not encrypted "
    "by us, on computers of the survey's operator that count them. Whoever holds the file's key, runs those computers "
    "or can read their disks could see the answers."
)
_CLUSTER_BREACH = N_("A break-in to the computers that count the answers, where they lie without names.")
_ONE_BY_ONE = N_("More than one response by the same person: each response is protected on its own.")


def _has_themes(survey: Survey) -> bool:
    return any(isinstance(question, ThemesQuestion) for question in survey.questions)


MOST_NAMED = 3
"""Other publications that the residents' face names; the experts' face has all."""


def _elsewhere(others: Sequence[AlsoPublished]) -> tuple[str, ...]:
    """What the ledger knows to be public without noise, in one line; nothing where it knows of nothing."""
    if not others:
        return ()
    named = "; ".join(f"{other.name} ({other.why})" for other in others[:MOST_NAMED])
    if len(others) > MOST_NAMED:
        named += gettext("; and {} more, listed for experts").format(number(len(others) - MOST_NAMED))
    return (gettext("Also published from residents' answers, not protected: {}.").format(named),)


def _asked(survey: Survey) -> str:
    said = (
        N_("{title}, {wave}: {questions} questions, {groups} more about yourself, asked to learn what residents think "
           "together, not what any one of them said.")
        if survey.demographics
        else N_("{title}, {wave}: {questions} questions asked to learn what residents think together, not what any one "
                "of them said.")
    )  # fmt: skip
    return gettext(said).format(
        title=_title(survey),
        wave=survey.wave.id,
        questions=len(survey.questions),
        groups=len(survey.demographics),
    )


def _title(survey: Survey) -> str:
    """The survey's title in the language spoken, where it has one."""
    titles = survey.title if isinstance(survey.title, dict) else {}
    said = (text for tag, text in titles.items() if sentences_in(tag) == spoken() != ENGLISH)
    return next(said, text_in(survey.title, language_of(survey)))


def resident_face(
    survey: Survey,
    policy: Policy,
    odds: OddsFigures,
    odds_this_year: OddsFigures,
    others: Sequence[AlsoPublished] = (),
) -> ResidentFace:
    """Raises: nothing; every text comes from public declarations and from what was registered in the ledger."""
    limits = (*_NOT_PROTECTED, _ONE_BY_ONE) if policy.unit.protects == "response" else _NOT_PROTECTED
    comments = gettext("Comments in your own words are never published.")
    if _has_themes(survey):
        comments += gettext(
            " A program notes which subjects a comment mentions, by a public list of words; the words themselves are "
            "not kept."
        )
    limits = limits if policy.engine is None else (*limits, _CLUSTER_BREACH)
    return ResidentFace(
        how=gettext("We count the answers, then add random noise to every count before anybody sees it."),
        asked=_asked(survey),
        who_sees_answers=f"{gettext(_KEPT if policy.engine is None else _KEPT_ON_CLUSTER)} {_until(policy.retention)}",
        who_sees_results=gettext("Anybody may see the noisy results. Nobody gets the exact ones."),
        odds=odds_sentence(odds, "release"),
        odds_this_year=odds_sentence(odds_this_year, "year"),
        not_protected=(*map(gettext, limits), *_elsewhere(others)),
        delete=gettext(
            "Results that are published cannot be taken back; the noise hides your part in them. To have your answers "
            "removed from later results, ask whoever invited you before the file is destroyed."
        ),
        comments=comments,
    )
