from flows.checking import in_brief
from schemas.errors import DeclarationFault


def fault(line: int, field: str, what: str = "there is no answer option") -> DeclarationFault:
    return DeclarationFault("value_wrong", what, where=f"survey.yaml:{line}: {field}", do="Copy them")


def test_a_run_of_one_kind_is_one_line_with_its_ends() -> None:
    options = [fault(10 + i, f"questions.{i}.options") for i in range(5)]
    groups = [fault(4 + i, f"demographics.{i}.categories") for i in range(3)]
    shown = [problem.line() for problem in in_brief([*groups, *options, fault(30, "wave", "is not filled in")])]
    assert shown == [
        *(problem.line() for problem in groups),
        "survey.yaml:10 to 14: questions.*.options: there is no answer option, in 5 places. Copy them",
        "survey.yaml:30: wave: is not filled in. Copy them",
    ]


def test_what_another_problem_stands_between_stays_apart() -> None:
    mixed = [fault(i, f"questions.{i}.options", "one" if i % 2 else "two") for i in range(9)]
    assert in_brief(mixed) == mixed


def test_a_problem_without_a_line_is_shown_as_it_is() -> None:
    whole = [DeclarationFault("file_missing", "there is no such file", where="survey.yaml")] * 5
    assert in_brief(whole) == whole
