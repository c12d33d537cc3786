"""From export and questionnaire to encoded answers without a hand edit: each kind of codebook says what was asked."""

from pathlib import Path

import pytest
import xlsxwriter

from pipelines.declarations import load_declarations
from pipelines.drafting.codebook import Choice, choices_in
from pipelines.drafting.roles import is_group, is_identity, is_open_text, is_scale, role_of
from schemas.errors import InputRefused
from schemas.questions import OptionRole
from tests.export_samples import SAMPLES, ExportSample
from tests.intake_sample import take
from tests.unit.drafting.conftest import Init, Told

CODES = "1 = Excellent | 2 = Good | 3 = Fair | 4 = Poor | 5 = Don't know"
TEXTS = "Excellent | Good | Fair | Poor | Don't know"
SERVICES = '"Library | Buses, trams"'

CODEBOOKS = {
    "qualtrics": f'variable,type,values,at_most\nQ1_1,rating,{TEXTS},\nQ2,multi,"Library | Buses, trams | Other",2\n',
    "surveymonkey": f"variable,type,values\nHow do you rate the quality of life?,rating,{TEXTS}\n",
    "google_forms": (
        f"variable,type,values\nHow do you rate the quality of life?,rating,{TEXTS}\n"
        f"Which services do you use?,multi,{SERVICES}\n"
    ),
    "microsoft_forms": (
        f"variable,type,values\nQuality of life?,rating,{TEXTS}\nWhich services do you use?,multi,{SERVICES}\n"
    ),
    "limesurvey": (
        "variable,values\nQ1,A1 = Excellent | A2 = Good | A3 = Fair | A4 = Poor | A5 = Don't know\n"
        'Q2,"SQ001 = Library | SQ002 = Buses, trams"\n'
    ),
    "firm codes": (
        f'variable,type,values,question,label\nid,key,,,\nwave,skip,,,\nq1a,rating,{CODES},,Quality\n'
        "q7_1,multi,1 = Library,services,\nq7_2,multi,2 = Other,services,\nd1,group,1 = North | 2 = South | 3 = East,,Place\n"
    ),
    "long form": f"variable,type,values,separator\nquality,rating,{CODES},\nservices,multi,library | bus,\"|\"\nsite,skip,,\n",
}  # fmt: skip

REDCAP_NAMES = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label","Choices, Calculations, OR Slider Labels",'
    '"Field Note","Text Validation Type OR Show Slider Number","Text Validation Min","Text Validation Max",Identifier?,'
    '"Branching Logic (Show field only if...)","Required Field?","Custom Alignment","Question Number (surveys only)",'
    '"Matrix Group Name","Matrix Ranking?","Field Annotation"\n'
)
REDCAP = (
    REDCAP_NAMES
    + "record_id,residents,,text,Record,,,,,,y,,,,,,,\n"
    + 'quality,residents,,radio,"<b>Quality</b> of life","1, Excellent | 2, Good | 3, Fair | 4, Poor | 5, Don\'t know",,,,,,,,,,,,\n'
    + 'services,residents,,checkbox,Services,"1, Library | 2, Buses, trams | -99, Don\'t know",,,,,,,,,,,,\n'
    + "years,residents,,text,Years lived here,,,integer,0,90,,,,,,,,\n"
)


def xlsform(path: Path, *, groups: bool) -> Path:
    """An XLSForm of the two questions, in a group or without one."""
    survey = [
        ["type", "name", "label::English (en)", "required"],
        ["start", "start", "", ""],
        *([["begin_group", "about", "About you", ""]] if groups else []),
        ["text", "code", "Access code", "yes"],
        ["select_one scale", "quality", "Quality of life", ""],
        ["select_multiple services", "services", "Services used", ""],
        *([["end_group", "", "", ""]] if groups else []),
    ]
    choices = [["list_name", "name", "label::English (en)"]]
    choices += [["scale", code, label] for code, label in zip("12345", TEXTS.split(" | "), strict=True)]
    choices += [["services", "library", "Library"], ["services", "bus", "Buses, trams"], ["services", "other", "Other"]]
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in (("survey", survey), ("choices", choices), ("settings", [["form_title"], ["Riverbend"]])):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def codebooks(name: str, folder: Path) -> list[Path]:
    """The questionnaire of a sample, as its system exports it; what an XLSForm leaves to people is in a second file."""
    if name in ("odk", "kobo", "survey123"):
        key = {"odk": "about-code", "kobo": "about/code", "survey123": "Access code"}[name]
        by_hand = folder / "hand.csv"
        by_hand.write_text(f"variable,type\n{key},key\n")
        return [xlsform(folder / "form.xlsx", groups=name != "survey123"), by_hand]
    path = folder / "codebook.csv"
    path.write_text(REDCAP if name == "redcap" else CODEBOOKS[name], encoding="utf-8")
    return [path]


@pytest.mark.parametrize("name", SAMPLES)
def test_an_export_and_its_questionnaire_become_answers(name: str, tmp_path: Path, init: Init) -> None:
    sample: ExportSample = SAMPLES[name]
    export = sample.write(tmp_path)
    books = [argument for path in codebooks(name, tmp_path) for argument in ("--codebook", path)]
    drafted = init("--from", f"web={export}", *books, *Told)
    assert (drafted.code, drafted.err) == (0, "")
    assert "the declarations are valid" in drafted.out, drafted.out
    survey = load_declarations(drafted.folder).survey
    if name == "long form":  # two columns name a respondent: the draft says that it cannot know
        source = survey.sources[0].model_copy(update={"respondent": ("site", "case")})
        survey = survey.model_copy(update={"sources": (source,)})
    ids = {question.columns_used()[0]: question.id for question in survey.questions}
    taken = take(survey, export)
    quality = ids[sample.quality["column"]]
    found = [code if code.startswith("_") else by_label(survey, quality)[code] for code in taken.cells(quality)]
    wanted = dict(zip(("1", "2", "3", "4", "5"), TEXTS.split(" | "), strict=True))
    assert found == [wanted.get(code.removeprefix("A"), code) for code in sample.expected_quality]
    services = next(question.id for question in survey.questions if question.type == "multi")
    ticks = [[by_label(survey, services).get(code, code) for code in codes] for codes in taken.cells(services)]
    assert [sorted(t) for t in ticks] == [sorted(labels(sample, codes)) for codes in sample.expected_services]
    assert [row["complete"] for row in taken.rows] == sample.complete


def by_label(survey, question: str) -> dict[str, str]:
    options = next(q.options for q in survey.questions if q.id == question)
    return {
        code: option.label["en"] if isinstance(option.label, dict) else option.label for code, option in options.items()
    }


def labels(sample: ExportSample, codes: list[str]) -> list[str]:
    """The labels of the options, as the questionnaire spells them."""
    if sample is SAMPLES["kobo"]:  # the draft takes the joined cell, where a blank is no answer
        codes = ["_not_answered" if code == "_none" else code for code in codes]
    spelled = {"bus": "Buses, trams", "lib": "Library", "oth": "Other", "no": "None of the above"}
    if sample is SAMPLES["long form"]:
        return codes
    if sample is SAMPLES["firm codes"]:
        spelled = {"1": "Library", "2": "Other"}
    found = {c: o if isinstance(o, str) else o["label"] for c, o in sample.services["options"].items()}
    return [code if code.startswith("_") else spelled.get(code, found[code]) for code in codes]


def test_a_dictionary_flags_who_answered_and_numbers_within_bounds(tmp_path: Path, init: Init) -> None:
    export = SAMPLES["redcap"].write(tmp_path)
    export.write_text(export.read_text().replace("quality,", "years,quality,").replace(",2,1,1,0,2", ",7,2,1,1,0,2"))
    (book,) = codebooks("redcap", tmp_path)
    plain = init("--from", export, "--codebook", book, *Told).plain()
    assert "record_id" in plain["residents"]["drop"]
    (years,) = [question for question in plain["questions"] if question["id"] == "years"]
    assert (years["type"], years["bounds"], years["bins"]) == ("numeric", [0, 90], [0, 18, 36, 54, 72, 90])
    quality = next(question for question in plain["questions"] if question["id"] == "quality")
    assert quality["text"] == {"en": "Quality of life"}
    assert quality["positive"] == ["1", "2"]
    assert quality["options"]["5"]["role"] == "no_opinion"


def test_options_and_their_roles() -> None:
    found = choices_in("1 = Good | 7 = Hard to say (no_opinion) | R = Refused | 8 = Does not apply")
    assert found == {
        "1": Choice("Good"),
        "7": Choice("Hard to say", OptionRole.NO_OPINION),
        "R": Choice("Refused", OptionRole.REFUSED),
        "8": Choice("Does not apply", OptionRole.NOT_APPLICABLE),
    }
    assert list(choices_in("A boat, kayak, or canoe | Pier")) == ["A boat, kayak, or canoe", "Pier"]
    assert role_of("I don\u2019t know") is OptionRole.NO_OPINION


def test_what_names_say() -> None:
    assert all(
        map(is_identity, ("RecipientEmail", "IPAddress", "first_name", "ResponseId", "id", "What is your name?"))
    )
    assert not any(
        map(is_identity, ("Q1", "street_repair_rating_overall".replace("street", "road"), "Email lists as a source"))
    )
    assert not is_identity("q18g", "Street repair")
    assert not is_identity("d16", "Do you consider a cell phone or land line your primary telephone number?")
    assert all(map(is_open_text, ("Q2_6_TEXT", "q20verb", "Comments", "Other (please specify)")))
    assert all(map(is_group, ("AGE", "HHINCOME", "What is your gender?", "d_district")))
    assert is_group("d7", "Do you rent or own your home?")
    assert not is_group("q6b", "K-12 education")
    assert is_scale(["Very safe", "Somewhat safe", "Very unsafe", "Don't know"])
    assert not is_scale(["Rent", "Own"])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("variable\nQ1\n", "no column of names and nothing about them"),
        ("label,values\nQ1,1\n", "no column of names and nothing about them"),
        ("variable,type\nQ1,slider\n", "another type in row 1"),
        ("variable,bounds\nQ1,low\n", "bounds in row 1"),
        ("variable,at_most\nQ1,few\n", "an at_most in row 1"),
    ],
)
def test_a_codebook_that_cannot_be_used(content: str, what: str, tmp_path: Path, init: Init) -> None:
    (tmp_path / "e.csv").write_text("Email,Q1\nana@example.org,1\n")
    (tmp_path / "book.csv").write_text(content)
    drafted = init("--from", tmp_path / "e.csv", "--codebook", tmp_path / "book.csv")
    assert drafted.code == InputRefused.exit_code
    assert what in drafted.err
    assert drafted.err.count("\n") == 1
