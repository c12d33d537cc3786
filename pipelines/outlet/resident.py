"""The resident's face of the card: one screen of plain words, made from the plan, the policy and the ledger."""

from privacy.odds import percent_words
from schemas.base import text_in
from schemas.card import OddsFigures, ResidentFace
from schemas.policy import Policy, Retention
from schemas.questions import ThemesQuestion
from schemas.survey import Survey


def language_of(survey: Survey) -> str:
    """The first language of the survey's title; English where it is a plain text."""
    return next(iter(survey.title)) if isinstance(survey.title, dict) else "en"


def one_in(chance: float) -> str:
    """A small chance in words.

    >>> one_in(1e-6)
    '1 in 1,000,000'
    """
    return f"1 in {int(1 / chance + 1e-9):,}"


def odds_sentence(figures: OddsFigures, results: str) -> str:
    """What `results` ("these results", "all results of this year together") could tell somebody about one resident."""
    but = f" (but for a chance of at most {one_in(figures.failure)} over the random noise)" if figures.failure else ""
    return (
        f"If someone thought the odds were 50:50 that you gave a certain answer, {results} could move that to "
        f"{percent_words(figures.answered_pct)}. If they only wondered whether you took part at all: to "
        f"{percent_words(figures.took_part_pct)}{but}."
    )


def _until(retention: Retention | None) -> str:
    if retention is None:
        return "The privacy policy of this survey gives no date for their destruction."
    return (
        f"The privacy policy asks the operator to destroy the keys that tell residents apart within "
        f"{retention.close_wave_days} days after the last answers came in, and the file itself within "
        f"{retention.destroy_zone_days} days."
    )


_NOT_PROTECTED = (
    "Facts that are true of most people like you: they can be learned whether or not you took part.",
    "A break-in to the protected zone, or misuse by someone who holds its key, while the zone exists.",
    "The survey tool's own copy of your answers, and anything published from it in another way.",
    "What you tell others.",
)
_KEPT = (
    "Your answers are kept in one encrypted file that a program opens to count them. Whoever holds its key could open "
    "it; nobody else can."
)
_KEPT_ON_CLUSTER = (
    "Your answers are kept in one encrypted file, and a copy of them without your name or address lies, not encrypted "
    "by us, on computers of the survey's operator that count them. Whoever holds the file's key, runs those computers "
    "or can read their disks could see the answers."
)
_CLUSTER_BREACH = "A break-in to the computers that count the answers, where they lie without names."
_ONE_BY_ONE = "More than one response by the same person: each response is protected on its own."


_THEMES = (
    " A program notes which subjects a comment mentions, by a public list of words; the words themselves are not kept."
)


def _has_themes(survey: Survey) -> bool:
    return any(isinstance(question, ThemesQuestion) for question in survey.questions)


def resident_face(survey: Survey, policy: Policy, odds: OddsFigures, odds_this_year: OddsFigures) -> ResidentFace:
    """Raises: nothing; every text comes from public declarations."""
    language = language_of(survey)
    about_you = f", {len(survey.demographics)} more about yourself," if survey.demographics else ""
    limits = (*_NOT_PROTECTED, _ONE_BY_ONE) if policy.unit.protects == "response" else _NOT_PROTECTED
    limits = limits if policy.engine is None else (*limits, _CLUSTER_BREACH)
    return ResidentFace(
        how="We count the answers, then add random noise to every count before anybody sees it.",
        asked=(
            f"{text_in(survey.title, language)}, {survey.wave.id}: {len(survey.questions)} questions{about_you} "
            "asked to learn what residents think together, not what any one of them said."
        ),
        who_sees_answers=f"{_KEPT if policy.engine is None else _KEPT_ON_CLUSTER} {_until(policy.retention)}",
        who_sees_results="Anybody may see the noisy results. Nobody gets the exact ones.",
        odds=odds_sentence(odds, "these results"),
        odds_this_year=odds_sentence(odds_this_year, "all results of this year so far, taken together,"),
        not_protected=limits,
        delete=(
            "Results that are published cannot be taken back; the noise hides your part in them. To have your answers "
            "removed from later results, ask whoever invited you before the file is destroyed."
        ),
        comments="Comments in your own words are never published." + (_THEMES if _has_themes(survey) else ""),
    )
