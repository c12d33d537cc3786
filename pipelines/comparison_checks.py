"""What survey.yaml compares its figures with must be comparable: benchmarks, pairs of importance, earlier waves."""

from collections.abc import Iterator
from itertools import chain

from pipelines.yaml_lines import YamlFile
from privacy.headline import headlines
from schemas.errors import DeclarationFault
from schemas.questions import ChoiceQuestion, MultiQuestion, Question, RankingQuestion, RatingQuestion, ThemesQuestion
from schemas.survey import Survey


def comparison_problems(file: YamlFile, survey: Survey) -> Iterator[DeclarationFault]:
    """Every problem of `benchmarks`, `importance` and `trends` that the survey file alone can show."""
    return chain(_benchmarks(file, survey), _importance(file, survey), _trends(file, survey))


def _benchmarks(file: YamlFile, survey: Survey) -> Iterator[DeclarationFault]:
    known = headlines(survey)
    for name, benchmark in survey.benchmarks.items():
        at = ("benchmarks", name)
        if name not in known:
            what = "has neither % positive nor a mean that a benchmark could be compared with"
            yield file.fault("no_headline", what, at=at, do="Remove it, or declare positive options")
            continue
        headline = known[name]
        level = benchmark.value * headline.declared
        if not headline.least <= level <= headline.most:
            least, most = (x / headline.declared for x in (headline.least, headline.most))
            yield file.fault("benchmark_range", f"must be between {least:g} and {most:g}", at=(*at, "value"))


def _importance(file: YamlFile, survey: Survey) -> Iterator[DeclarationFault]:
    known, questions = headlines(survey), {question.id for question in survey.questions}
    for satisfaction, importance in survey.importance.items():
        at = ("importance", satisfaction)
        for name in (satisfaction, importance):
            if name not in questions:
                yield file.fault("name_unknown", f"{name!r} is not a question of the survey", at=at)
            elif name not in known or known[name].statistic != "pct_positive":
                what = f"{name!r} has no positive options, which importance and satisfaction are compared by"
                yield file.fault("no_headline", what, at=at, do="Declare positive for both questions")
        if satisfaction == importance:
            yield file.fault("name_twice", "names the same question twice", at=at)


def _trends(file: YamlFile, survey: Survey) -> Iterator[DeclarationFault]:
    questions = {question.id: question for question in survey.questions}
    for name, waves in survey.trends.items():
        question = questions.get(name)
        for wave, declared in waves.items():
            at = ("trends", name, wave)
            if wave == survey.wave.id:
                yield file.fault("trend_wave", "is this wave, not an earlier one", at=at, do="Name an earlier wave")
            if isinstance(question, RankingQuestion):
                yield file.fault("trend_kind", "rankings are not compared over waves", at=at, do="Remove it")
            elif declared.codes:
                yield from _codes(file, at, question, declared.codes)


def _codes(
    file: YamlFile, at: tuple[str, ...], question: Question | None, codes: dict[str, str]
) -> Iterator[DeclarationFault]:
    if isinstance(question, RatingQuestion | ChoiceQuestion | MultiQuestion):
        known = set(question.options)
    elif isinstance(question, ThemesQuestion):
        known = set(question.themes)
    else:
        what = "has no options, so nothing can be mapped"
        yield file.fault("trend_codes", what, at=(*at, "codes"), do="Remove codes")
        return
    for code, today in codes.items():
        if today not in known:
            yield file.fault("name_unknown", f"{today!r} is not an option of this wave", at=(*at, "codes", code))
    if isinstance(question, MultiQuestion | ThemesQuestion) and len(set(codes.values())) < len(codes):
        what = "two options become one, and who ticked both is not known"
        yield file.fault("trend_codes", what, at=(*at, "codes"), do="Map each option to its own")
