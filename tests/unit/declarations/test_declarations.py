from pathlib import Path

import pytest

from pipelines.declarations import DeclarationFaults, load_declarations
from schemas.canonical import digest
from schemas.errors import DeclarationFault
from tests.unit.declarations.conftest import Declare


def problems(folder: Path) -> list[str]:
    with pytest.raises(DeclarationFault) as caught:
        load_declarations(folder)
    assert caught.value.exit_code == 3
    return [str(fault) for fault in getattr(caught.value, "all", (caught.value,))]


def test_a_valid_pair_loads_with_the_digests_of_its_models(declare: Declare) -> None:
    declarations = load_declarations(declare())
    assert declarations.survey.wave.id == "2026"
    assert list(declarations.survey.missing) == ["", "-99"]
    assert declarations.survey_digest == digest(declarations.survey)
    assert [attribute.id for attribute in declarations.attributes] == [
        "district",
        "age",
        "quality",
        "years",
        "years__mean",
        "living",
    ]


def test_the_digest_does_not_depend_on_spelling(declare: Declare) -> None:
    before = load_declarations(declare())
    after = load_declarations(declare({"{1: Good": '{"1":   Good'}, {"{epsilon: 4}": "{epsilon: 4.0}"}))
    assert (before.survey_digest, before.policy_digest) == (after.survey_digest, after.policy_digest)


def test_another_policy_file_replaces_the_directorys(declare: Declare, tmp_path: Path) -> None:
    folder = declare()
    other = folder / "cautious.yaml"
    other.write_text((folder / "policy.yaml").read_text().replace("{epsilon: 2, noise", "{epsilon: 1, noise"))
    assert load_declarations(folder, other).policy.spend.epsilon == 1
    other.write_text(other.read_text().replace("delta: 1.0e-6", "delta: 2"))
    with pytest.raises(DeclarationFault, match=r"cautious\.yaml:3: delta: must be less than 1"):
        load_declarations(folder, other)


SURVEY_FAULTS = {
    "unknown key": ({"  normalise": "  normalize"}, "survey.yaml:8: residents.normalize: this key is not known here. Did you mean normalise?"),
    "unknown key of a question": ({"    positive:": "    positiv:"}, "survey.yaml:20: questions.0.positiv: this key is not known here. Did you mean positive?"),
    "missing key": ({"expected: {responses: 3000}\n": ""}, "survey.yaml:1: expected: this key is needed and missing"),
    "missing key of a question": ({"    column: Q1\n": ""}, "survey.yaml:16: questions.0.column: this key is needed and missing"),
    "wrong type": ({"responses: 3000": "responses: many"}, "survey.yaml:5: expected.responses: must be a whole number"),
    "text or list": ({"key: [Email]": "key: {a: b}"}, "survey.yaml:7: residents.key: must be a list, such as [a, b] or 'none'"),
    "one of": ({"normalise: email": "normalise: mail"}, "survey.yaml:8: residents.normalise: must be 'email', 'phone', 'text', 'code' or 'exact'"),
    "question type": ({"type: numeric": "type: number"}, "survey.yaml:21: questions.1.type: must be 'rating', 'choice', 'multi', 'numeric', 'nps', 'ranking', 'themes'"),
    "boolean code": ({"{1: Good": "{true: Good"}, 'survey.yaml:19: questions.0.options: true as a key or code is ambiguous. Write "true" in quotes'),
    "boolean label": ({"1: Good": "1: true"}, 'survey.yaml:19: questions.0.options.1: true and false are not texts. Write them in quotes, such as "true"'),
    "boolean in a list": ({"positive: [1]": "positive: [true]"}, 'survey.yaml:20: questions.0.positive.0: true and false are not texts. Write them in quotes, such as "true"'),
    "bad code": ({"positive: [1]": "positive: [7]"}, "survey.yaml:20: questions.0: positive names '7', which is not an option"),
    "duplicate id": ({"id: years": "id: age"}, "survey.yaml:21: id 'age' is declared twice"),
    "unknown item": ({"items: [quality]": "items: [quality, safety]"}, "survey.yaml:23: index 'living' names 'safety', which is not a question"),
    "bad identifier": ({"id: quality\n": "id: Quality\n"}, "survey.yaml:16: questions.0.id: must begin with a lower-case letter; then lower-case letters, digits and _, at most 63"),
    "mean taken": ({"{id: living, items": "{id: years__mean, items"}, "survey.yaml:23: indices.0: the mean of the numeric question already has this id. Choose another id"),
    "reserved code": ({"{1: Good": '{_invalid: Bad, 1: Good'}, "survey.yaml:16: questions.0: a code that begins with _ is taken by hearsafe. Choose another code"),
    "bins too close": ({"bins: [0, 5, 90]": "bins: [0, 5, 5.0000001, 90]"}, "survey.yaml:21: questions.1: two bins begin at the same number to six digits. Choose wider bins"),
    "targets": ({"{N: 0.5, S: 0.5}": "{N: 0.5, S: 0.6}"}, "survey.yaml:13: demographics.0: targets must sum to 1 (within 0.005)"),
    "a dictionary elsewhere": ({"type: numeric, bounds: [0, 90], bins: [0, 5, 90]": "type: themes, dictionary: ../t.yaml"}, "survey.yaml:21: questions.1.dictionary: must be the name of a .yaml file in the directory of the declarations. Put the dictionary beside survey.yaml"),
    "benchmark in per cent": ({"indices:": "benchmarks:\n  quality: {value: 78, source: Nation}\nindices:"}, "survey.yaml:23: benchmarks.quality.value: must be between 0 and 1"),
    "benchmark without a headline": ({"    positive: [1]\n": "", "type: rating": "type: choice", "indices:\n  - {id: living, items: [quality]}\n": "benchmarks: {quality: {value: 0.7, source: Nation}}\n"}, "survey.yaml:21: benchmarks.quality: has neither % positive nor a mean that a benchmark could be compared with. Remove it, or declare positive options"),
    "importance of no question": ({"indices:": "importance: {quality: weight}\nindices:"}, "survey.yaml:22: importance.quality: 'weight' is not a question of the survey"),
    "importance without positive": ({"indices:": "importance: {quality: years}\nindices:"}, "survey.yaml:22: importance.quality: 'years' has no positive options, which importance and satisfaction are compared by. Declare positive for both questions"),
    "a trend since this wave": ({"indices:": "trends: {quality: {2026: q1}}\nindices:"}, "survey.yaml:22: trends.quality.2026: is this wave, not an earlier one. Name an earlier wave"),
    "a trend of no question": ({"indices:": "trends: {beauty: {2024: q1}}\nindices:"}, "survey.yaml:22: trends or benchmarks name 'beauty', which is not a question or an index"),
    "a trend to an unknown option": ({"indices:": "trends: {quality: {2024: {question: q1, codes: {A: 1, B: 7}}}}\nindices:"}, "survey.yaml:22: trends.quality.2024.codes.B: '7' is not an option of this wave"),
    "codes of a number": ({"indices:": "trends: {years: {2024: {question: q1, codes: {A: 1}}}}\nindices:"}, "survey.yaml:22: trends.years.2024.codes: has no options, so nothing can be mapped. Remove codes"),
    "importance of itself": ({"indices:": "importance: {quality: quality}\nindices:"}, "survey.yaml:22: importance.quality: names the same question twice"),
    "household without a policy for it": ({"  normalise: email": "  normalise: email\n  household: {key: [Address], at_most: 4}"}, "policy.yaml:2: unit.protects: is 'resident', but the survey declares residents.household. Write protects: household, or remove residents.household"),
}  # fmt: skip

POLICY_FAULTS = {
    "population": ({"population: testville-adults": "population: elsewhere"}, "policy.yaml:1: population: is 'elsewhere', but survey.yaml says 'testville-adults'. Both must name the same population"),
    "no default loss": ({"spend: {epsilon: 2, noise: gaussian}\n": ""}, "policy.yaml:1: spend: this key is needed and missing"),
    "two currencies": ({"release: {epsilon: 2}": "release: {epsilon: 2, rho: 1}"}, "policy.yaml:4: caps.release: give exactly one of epsilon and rho (and pure_epsilon where wanted)"),
    "infinite": ({"delta: 1.0e-6": "delta: .inf"}, "policy.yaml:3: delta: the number must be finite"),
    "unknown topline": ({"toplines: all": "toplines: [quality, comfort]"}, "policy.yaml:7: workload.toplines.1: 'comfort' is not a question of the survey"),
    "topline that is a demographic": ({"toplines: all": "toplines: [age]"}, "policy.yaml:7: workload.toplines.0: 'age' is not a question of the survey"),
    "unknown index": ({"  toplines: all": "  indices: [quality]\n  toplines: all"}, "policy.yaml:7: workload.indices.0: 'quality' is not an index of the survey"),
    "unknown in a pair": ({"[[quality, district]]": "[[quality, ward]]"}, "policy.yaml:8: workload.crosstabs.priority.0: 'ward' is not a question, index or demographic of the survey"),
    "pair of one": ({"[[quality, district]]": "[[quality, quality]]"}, "policy.yaml:8: workload.crosstabs.priority.0: names the same attribute twice"),
    "two means": ({"[[quality, district]]": "[[years__mean, living]]"}, "policy.yaml:8: workload.crosstabs.priority.0: two means cannot be crossed. Keep one index or mean"),
    "response with key": ({"protects: resident": "protects: response"}, "policy.yaml:2: unit.protects: is 'response', but the survey has a resident key. Write protects: resident"),
    "household without a key": ({"protects: resident": "protects: household"}, "policy.yaml:2: unit.protects: is 'household', but the survey declares none. Declare residents.household: {key: …, at_most: …}, or write protects: resident"),
    "two beliefs": ({"prior: {interaction: 3}": "prior: {interaction: 3, from_release: abc}"}, "policy.yaml:10: prior: give exactly one of interaction and from_release"),
    "officer": ({"prior:": "approvals: {needed: 1, officers: ['ed25519:00']}\nprior:"}, "policy.yaml:10: approvals.officers.0: is not an Ed25519 public key: 64 hexadecimal digits or 43 characters of base64. Copy the line that hearsafe officer-key prints"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), SURVEY_FAULTS.values(), ids=SURVEY_FAULTS)
def test_survey_faults_are_one_line(declare: Declare, changes: dict[str, str], line: str) -> None:
    assert problems(declare(changes)) == [line]


@pytest.mark.parametrize(("changes", "line"), POLICY_FAULTS.values(), ids=POLICY_FAULTS)
def test_policy_faults_are_one_line(declare: Declare, changes: dict[str, str], line: str) -> None:
    assert problems(declare(None, changes)) == [line]


def test_a_survey_without_keys_protects_responses(declare: Declare) -> None:
    keyless = {"key: [Email]": "key: none"}
    assert problems(declare(keyless)) == [
        "policy.yaml:2: unit.protects: is 'resident', but the survey has no resident key. Write protects: response, or declare residents.key"
    ]
    assert load_declarations(declare(keyless, {"protects: resident": "protects: response"}))
    assert problems(declare(keyless, {"protects: resident": "protects: response, shared_keys: true"})) == [
        "policy.yaml:2: unit.shared_keys: there is no key to share: the survey has none. Remove shared_keys"
    ]


THEMES = {"type: numeric, bounds: [0, 90], bins: [0, 5, 90]": "type: themes, dictionary: themes.yaml"}


def test_a_dictionary_is_read_and_part_of_the_survey(declare: Declare) -> None:
    folder = declare(THEMES)
    (folder / "themes.yaml").write_text(
        "bus: {label: {en: Buses}, words: [bus, tram*]}\n7: {label: Seven, words: [7]}\n"
    )
    found = load_declarations(folder)
    assert [cell.code for cell in found.attributes[3].cells][:3] == ["bus", "7", "_none"]
    (folder / "themes.yaml").write_text(
        "bus: {label: {en: Buses}, words: [bus, trams*]}\n7: {label: Seven, words: [7]}\n"
    )
    assert load_declarations(folder).survey_digest != found.survey_digest


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("bus: {label: Buses, words: [bus]}\ntax:\n  label: Taxes\n  words: ['**']\n", "themes.yaml:4: tax.words.0: must have letters or digits"),
        ("bus: {label: Buses, words: [b*s]}\n", "themes.yaml:1: bus.words.0: * stands only at the end of a word"),
        ("bus: {label: Buses, word: [bus]}\n", "themes.yaml:1: bus.words: this key is needed and missing"),
        ("bus: {label: Buses, words: []}\n", "themes.yaml:1: bus.words: must have at least 1 item"),
        ("- bus\n", "themes.yaml:1: the file must hold keys and values, such as survey: my-survey"),
        ("_none: {label: Buses, words: [bus]}\n", "survey.yaml:21: questions.1: a code that begins with _ is taken by hearsafe. Choose another code"),
    ],
)  # fmt: skip
def test_faults_of_a_dictionary_name_its_lines(declare: Declare, text: str, line: str) -> None:
    folder = declare(THEMES)
    (folder / "themes.yaml").write_text(text)
    assert line in problems(folder)


def test_a_missing_dictionary_is_named(declare: Declare) -> None:
    assert problems(declare(THEMES)) == [f"{declare(THEMES)}/themes.yaml: there is no such file. Check the path"]


def test_a_survey_of_households_protects_households(declare: Declare) -> None:
    household = {"  normalise: email": "  normalise: email\n  household: {key: Address, at_most: 4}"}
    found = load_declarations(declare(household, {"protects: resident": "protects: household"}))
    assert found.survey.residents.responses_per_unit == 4


def test_every_problem_of_both_files_is_told_at_once(declare: Declare) -> None:
    folder = declare(
        {"responses: 3000": "responses: many", "type: rating": "type: rate"}, {"delta: 1.0e-6": "delta: 2"}
    )
    found = problems(folder)
    assert [line.split(": ")[0] for line in found] == ["survey.yaml:5", "survey.yaml:18", "policy.yaml:3"]
    with pytest.raises(DeclarationFaults) as caught:
        load_declarations(folder)
    assert str(caught.value) == found[0]
    assert [str(fault) for fault in caught.value.others] == found[1:]


def test_missing_files_and_folders(declare: Declare, tmp_path: Path) -> None:
    folder = declare()
    (folder / "policy.yaml").unlink()
    assert problems(folder) == [f"{folder}/policy.yaml: there is no such file. Check the path"]
    assert "there is no such directory" in problems(tmp_path / "nowhere")[0]


def test_long_input_is_never_repeated(declare: Declare) -> None:
    long = "q" * 5000
    for changes in (
        {"positive: [1]": f"positive: [{long}]"},
        {"type: rating": f"type: {long}"},
        {"    positive:": f"    {long}:"},
    ):
        assert all(len(line) < 400 for line in problems(declare(changes)))


def test_attributes_must_fit_into_a_byte(declare: Declare) -> None:
    options = ", ".join(f"{i}: {i}" for i in range(1, 200))
    changes = {
        "options: {1: Good, 2: Poor, 3: {label: Don't know, role: no_opinion}}": f"options: {{{options}}}\n    half_steps: true"
    }
    assert problems(declare(changes)) == ["survey.yaml:16: questions.0: has 400 cells, and at most 250 can be counted"]


def test_groups_that_are_small_in_public_are_refused_where_the_policy_says_so(declare: Declare) -> None:
    refuse = {"prior:": "frames: {at_least: 1000, below: refuse}\nprior:"}
    age = {"2: 45 and over}}": "2: 45 and over}, targets: {1: 0.4, 2: 0.6}}"}
    frame = {"{responses: 3000}": "{responses: 3000, frame: 2000}"}
    with pytest.raises(DeclarationFaults) as faults:
        load_declarations(declare(age | frame, refuse))
    assert {fault.code for fault in faults.value.all} == {"frame_small"}
    lines = [fault.line() for fault in faults.value.all]
    assert "policy.yaml:10: frames: age: 1 group has fewer than 1,000 people in public; age 1: 800" in lines[0]
    assert "district*age: 4 groups have fewer than 1,000 people in public; district N and age 1: about 400" in lines[1]
    with pytest.raises(DeclarationFault) as unknown:
        load_declarations(declare(None, refuse))
    assert unknown.value.code == "frame_unknown"
    assert load_declarations(declare(age | frame, {"prior:": "frames: {at_least: 1000}\nprior:"}))
    assert load_declarations(declare(age | {"{responses: 3000}": "{responses: 3000, frame: 5000}"}, refuse))
