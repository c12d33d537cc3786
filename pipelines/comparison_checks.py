"""What survey.yaml compares its figures with must be comparable: benchmarks and pairs of importance."""

from collections.abc import Iterator
from itertools import chain

from pipelines.yaml_lines import YamlFile
from privacy.headline import headlines
from schemas.errors import DeclarationFault
from schemas.survey import Survey


def comparison_problems(file: YamlFile, survey: Survey) -> Iterator[DeclarationFault]:
    """Every problem of `benchmarks` and `importance`."""
    return chain(_benchmarks(file, survey), _importance(file, survey))


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
