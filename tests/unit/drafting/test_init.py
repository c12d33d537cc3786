"""What `init` writes: two files made from names and labels alone, and one for the holder of the export."""

import csv
import errno
import io
import stat
from pathlib import Path
from typing import Any

import pytest

from pipelines.declarations import load_declarations
from pipelines.drafting import write
from pipelines.drafting.codebook import Codebook, Entry
from schemas.errors import DeclarationFault, InputRefused, UsageFault
from tests.export_samples import SAMPLES, ExportSample
from tests.unit.drafting.conftest import DraftOf, Init, Told

TEXTS = {name: sample for name, sample in SAMPLES.items() if name != "microsoft_forms"}
each = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
each_text = pytest.mark.parametrize("sample", TEXTS.values(), ids=TEXTS)
HEADERS = {"qualtrics": 3, "surveymonkey": 2}
REPLACES_NOTHING = "this file is there already, and init replaces nothing. Move it away, or name another directory"
PEOPLE = ("ana", "ben@", "eva@", "leo@", "One", "192.0.2", "old mill", "Excellent", "AB3", "R_1", "118001", "uuid:1")


def with_other_answers(path: Path, sample: ExportSample) -> None:
    """The same export, in which everybody answers something else: every cell beneath the header, but time stamps."""
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] == b"\xff\xfe" else "utf-8-sig" if raw[:3] == b"\xef\xbb\xbf" else "cp1252"
    content = raw.decode(encoding)
    separator = max(",;\t", key=content.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=separator))
    start = HEADERS.get(sample.kind, 1)
    kept = {sample.source.get("time", {}).get("column")}
    for number, row in enumerate(rows[start:]):
        for place, cell in enumerate(row):
            if cell and rows[0][place] not in kept:
                row[place] = f"canary {number} {place}"
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator).writerows(rows)
    path.write_bytes(written.getvalue().encode(encoding))


@each_text
def test_the_public_drafts_are_made_of_the_header_alone(sample: ExportSample, tmp_path: Path, init: Init) -> None:
    path = sample.write(tmp_path)
    before = init("--from", path, folder="a/testville")
    with_other_answers(path, sample)
    after = init("--from", path, folder="b/testville")
    assert before.code == after.code == 0
    for name in ("survey.yaml", "policy.yaml"):
        assert before.text(name) == after.text(name)
    assert before.text("survey.draft.confidential.yaml") != after.text("survey.draft.confidential.yaml")
    assert "canary" in after.text("survey.draft.confidential.yaml")


@each
def test_no_value_of_a_response_is_said_or_made_public(sample: ExportSample, draft_of: DraftOf) -> None:
    drafted = draft_of(sample)
    said = (drafted.out + drafted.err).replace(str(drafted.folder.parent), "")
    for text in (drafted.text(), drafted.text("policy.yaml"), said):
        assert [value for value in PEOPLE if value in text] == []


@each
def test_the_confidential_draft_is_for_its_owner_and_no_declaration(
    sample: ExportSample, tmp_path: Path, init: Init
) -> None:
    drafted = init("--from", sample.write(tmp_path), *Told)
    path = drafted.folder / "survey.draft.confidential.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8").startswith("# CONFIDENTIAL.")
    assert (drafted.folder / ".gitignore").read_text(encoding="utf-8") == "*.confidential.yaml\n"
    path.replace(drafted.folder / "survey.yaml")
    with pytest.raises(DeclarationFault) as caught:
        load_declarations(drafted.folder)
    assert "confidential: this key is not known here" in str(
        [f.line() for f in getattr(caught.value, "all", [caught.value])]
    )


@each
def test_what_is_open_is_said_at_once_by_line(sample: ExportSample, draft_of: DraftOf) -> None:
    drafted = draft_of(sample)
    with pytest.raises(DeclarationFault) as caught:
        load_declarations(drafted.folder)
    problems = [fault.line() for fault in caught.value.all]  # type: ignore[attr-defined]
    assert {fault.split(": ")[1] for fault in problems} <= {"population", "expected.responses"} | {
        f"questions.{i}.options" for i in range(12)
    }
    lines = drafted.text().splitlines()
    for problem in problems:
        name, number = problem.split(": ")[0].split(":")
        if name == "survey.yaml":
            assert "TODO" in lines[int(number) - 1], problem
    from flows.checking import in_brief

    shown = [line for line in drafted.out.splitlines() if line.startswith("  ")]
    assert shown == [f"  {fault.line()}" for fault in in_brief(caught.value.all)]  # type: ignore[attr-defined]
    assert drafted.out.splitlines()[-1].startswith("next: ")


@each
def test_who_answered_is_flagged(sample: ExportSample, draft_of: DraftOf) -> None:
    drafted = draft_of(sample).plain()
    residents = drafted["residents"]
    named = {*residents.get("drop", []), *(residents["key"] if residents["key"] != "none" else [])}
    expected = {
        "qualtrics": {"RecipientEmail", "RecipientFirstName", "RecipientLastName", "IPAddress", "LocationLatitude",
                      "LocationLongitude", "ExternalReference", "ResponseId", "Q2_6_TEXT"},
        "surveymonkey": {"Email Address", "First Name", "Last Name", "IP Address", "Respondent ID", "Custom Data 1",
                         "Which services do you use? | Other (please specify)"},
        "google_forms": {"Username"}, "microsoft_forms": {"ID", "Email", "Name"}, "limesurvey": {"id", "token", "ipaddr", "refurl"},
        "odk": {"meta-instanceID", "KEY", "SubmitterID", "SubmitterName", "DeviceID"}, "kobo": {"_id", "_uuid", "_submitted_by"},
        "redcap": {"record_id", "redcap_survey_identifier"},
        "survey123": {"ObjectID", "GlobalID", "Creator", "Editor", "x", "y", "Access code", "Other - Services used"},
    }  # fmt: skip
    if sample is SAMPLES["long form"]:
        assert named == {"email"}
    elif sample is SAMPLES["firm codes"]:
        assert named == {"id", "q20verb"}
    else:
        assert named == expected[sample.kind]


@each
def test_times_completeness_and_previews_are_declared_as_known(sample: ExportSample, draft_of: DraftOf) -> None:
    (source,) = draft_of(sample).plain()["sources"]
    assert source["format"] == sample.kind
    known = sample.source.get("time")
    if known is not None:
        assert source["time"]["column"] == known["column"]
    assert source.get("complete") == sample.source.get("complete")
    if "where" in sample.source:
        assert set(source["where"]) == set(sample.source["where"])


@pytest.mark.parametrize(
    "content",
    [
        "ana@example.org,Yes,3\nben@example.org,No,2\n",
        "17,4,2\n18,3,1\n",
        "2026-05-01 09:05:00,Yes,Good\n",
        "North,Yes,Good,x\nSouth,Yes,Good,y\nNorth,No,Fair,z\n",
    ],
)
def test_a_first_response_is_not_taken_for_names(content: str, tmp_path: Path, init: Init) -> None:
    (tmp_path / "e.csv").write_text(content)
    drafted = init("--from", tmp_path / "e.csv")
    assert drafted.code == InputRefused.exit_code
    assert drafted.err == (
        "error: e.csv: the first record looks like a response, not like column names. Export again with column names\n"
    )
    assert not drafted.folder.exists()


def test_another_files_cells_do_not_become_a_draft(tmp_path: Path, init: Init) -> None:
    (tmp_path / "e.csv").write_text("case,variable,value\n1,quality,2\n")
    (tmp_path / "people.csv").write_text("name,text\nAna One,canary\nBen Two,canary\n")
    drafted = init("--from", tmp_path / "e.csv", "--codebook", tmp_path / "people.csv")
    assert (drafted.code, "names no column of the exports" in drafted.err) == (InputRefused.exit_code, True)
    assert "Ana" not in drafted.err
    assert not drafted.folder.exists()


def test_what_is_typed_cannot_write_yaml(init: Init) -> None:
    drafted = init("--population", "a: {b", "--responses", "10", "--frame", "10")
    assert drafted.plain()["population"] == "a: {b"
    assert drafted.plain("policy.yaml")["population"] == "a: {b"
    assert "population: must begin with a letter or digit" in drafted.out


def test_nothing_is_replaced(tmp_path: Path, init: Init) -> None:
    first = init()
    (first.folder / "policy.yaml").write_text("mine")
    again = init()
    assert (again.code, "init replaces nothing" in again.err) == (UsageFault.exit_code, True)
    assert first.text("policy.yaml") == "mine"


@pytest.mark.parametrize("name", ["survey.draft.confidential.yaml", ".gitignore", "survey.yaml", "policy.yaml"])
def test_of_two_at_the_same_moment_one_is_told_and_leaves_nothing(
    name: str, tmp_path: Path, init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other takes a name after we found none taken; an ignore file of theirs is as good as ours."""
    unpaused = write._write

    def paused(path: Path, *rest: Any) -> None:
        if path.name == name:
            path.write_text("theirs")
        unpaused(path, *rest)

    monkeypatch.setattr(write, "_write", paused)
    (tmp_path / "e.csv").write_text("Email,Q1\nana@example.org,1\n")
    drafted = init("--from", tmp_path / "e.csv")
    assert drafted.text(name) == "theirs"
    written = {path.name for path in drafted.folder.iterdir()}
    if name == ".gitignore":
        assert (drafted.code, len(written)) == (0, 4)
        return
    assert written == {name}
    assert drafted.code == UsageFault.exit_code
    assert drafted.err.endswith(f"{name}: {REPLACES_NOTHING}\n")


def test_a_disk_that_fills_leaves_no_half_of_the_drafts(init: Init, monkeypatch: pytest.MonkeyPatch) -> None:
    unpaused = write._write

    def full(path: Path, *rest: Any) -> None:
        unpaused(path, *rest)
        if path.name == "policy.yaml":
            raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(write, "_write", full)
    drafted = init()
    assert (drafted.code, "cannot be written here (No space" in drafted.err) == (UsageFault.exit_code, True)
    assert list(drafted.folder.iterdir()) == []


def test_the_minimal_pair_has_two_open_places_and_is_then_valid(init: Init) -> None:
    drafted = init()
    assert [line.split(":")[0:1] + line.split(": ")[1:2] for line in drafted.out.splitlines() if line.startswith("  ")] == [
        ["  survey.yaml", "population"],
        ["  survey.yaml", "expected.responses"],
        ["  policy.yaml", "population"],
    ]  # fmt: skip
    told = init(*Told, folder="told")
    assert load_declarations(told.folder).policy.delta == 1e-6
    assert "the declarations are valid" in told.out
    assert not (told.folder / "survey.draft.confidential.yaml").exists()


@pytest.mark.parametrize(("frame", "delta"), [(50_000, 1e-6), (100_000, 1e-6), (250_000, 4e-7), (8_000_000, 1.2e-8)])
def test_the_starting_delta_is_well_below_one_resident(frame: int, delta: float, init: Init) -> None:
    drafted = init("--population", "p", "--responses", "10", "--frame", str(frame))
    assert load_declarations(drafted.folder).policy.delta == pytest.approx(delta, rel=0.05)


def test_every_number_of_the_starting_policy_is_explained(init: Init) -> None:
    blocks = init(*Told).text("policy.yaml").split("\n\n")
    for block in blocks:
        lines = block.splitlines()
        stated = [line for line in lines if not line.startswith("#")]
        if any(character.isdigit() for line in stated for character in line):
            assert lines[0].startswith("# "), block
            assert len(lines[0]) > 40, block


def test_several_exports_are_sources_of_one_survey(tmp_path: Path, init: Init) -> None:
    (tmp_path / "web.csv").write_text("Email,Q1,Q2\nana@example.org,1,2\n")
    (tmp_path / "mail.csv").write_text("Email,Q1,Q3\nana@example.org,1,2\n")
    sources = init("--from", tmp_path / "web.csv", "--from", f"post={tmp_path / 'mail.csv'}").plain()["sources"]
    assert [(source["id"], source["absent"]) for source in sources] == [("web", ["Q3"]), ("post", ["Q2"])]


def test_exports_that_name_the_same_column_otherwise(tmp_path: Path, init: Init) -> None:
    (tmp_path / "web.csv").write_text("Email,InsideCity,Q1\nana@example.org,Y,1\nben@example.org,N,2\n")
    (tmp_path / "mail.csv").write_text(
        "E-mail;Received;Inside city;Q1\neva@example.org;14/05/2026;Y;1\nleo@example.org;15/05/2026;N;1\n"
    )
    plain = init("--from", tmp_path / "web.csv", "--from", tmp_path / "mail.csv", *Told).plain()
    web, mail = plain["sources"]
    assert "columns" not in web
    assert mail["columns"] == {"Email": "E-mail", "InsideCity": "Inside city"}
    assert mail["time"] == {"column": "Received", "pattern": "%d/%m/%Y"}
    assert [question["column"] for question in plain["questions"]] == ["InsideCity", "Q1"]
    assert plain["residents"] == {"key": ["Email"], "normalise": "email"}


def test_a_contact_list_is_told_by_its_header(tmp_path: Path, init: Init) -> None:
    (tmp_path / "e.csv").write_text("Email,Q1\nana@example.org,1\n")
    lists = {
        "salesforce": ("Id,LastName,FirstName,MailingStreet,Email,Ward__c\n", "Email"),
        "hubspot": ("Record ID,First Name,Email,Lifecycle Stage,Create Date\n", "Email"),
        "civicrm": ("Internal Contact ID,First Name,Home-Email\n", "Email"),
        "dynamics": ("(Do Not Modify) Contact,(Do Not Modify) Row Checksum,Full Name,Email\n", "Email"),
        "generic": ("account,E-mail address\n", "E-mail address"),
    }
    for kind, (header, match) in lists.items():
        (tmp_path / "c.csv").write_text(header + "1,2,3\n")
        drafted = init("--from", tmp_path / "e.csv", "--contacts", tmp_path / "c.csv", folder=kind)
        assert drafted.plain()["residents"]["verified_by"] == {"format": kind, "match": match}


def test_names_that_stand_twice_are_said_and_left_out(tmp_path: Path, init: Init) -> None:
    (tmp_path / "e.csv").write_text("Email,Q1,Q1\nana@example.org,1,2\n")
    drafted = init("--from", tmp_path / "e.csv")
    assert drafted.plain()["questions"] == []
    assert "more than once" in drafted.text()


def test_a_day_that_may_be_a_month_is_asked_about(tmp_path: Path, init: Init) -> None:
    (tmp_path / "e.csv").write_text("Timestamp,Q1\n5/4/2026 9:00:00,1\n6/4/2026 9:00:00,1\n")
    assert "or is the other number the month?" in init("--from", tmp_path / "e.csv", folder="either").text()
    (tmp_path / "e.csv").write_text("Timestamp,Q1\n5/14/2026 9:00:00,1\n6/4/2026 9:00:00,1\n")
    certain = init("--from", tmp_path / "e.csv", folder="certain")
    assert certain.plain()["sources"][0]["time"]["pattern"] == "%m/%d/%Y %H:%M:%S"
    assert "or is the other" not in certain.text()
    (tmp_path / "e.csv").write_text("Timestamp,Q1\nyesterday,1\n")
    assert "time" not in init("--from", tmp_path / "e.csv", folder="none").plain()["sources"][0]


def test_a_name_of_a_column_cannot_write_yaml(tmp_path: Path, init: Init) -> None:
    name = 'Q1"}], injected: {a: \u2028 b # no'
    (tmp_path / "e.csv").write_text('"' + name.replace('"', '""') + '",Other\n1,2\n', encoding="utf-8")
    drafted = init("--from", tmp_path / "e.csv").plain()
    assert drafted["questions"][0]["column"] == 'Q1"}], injected: {a: b # no'
    assert "injected" not in drafted


def test_a_codebook_says_more_the_closer_it_is() -> None:
    book = Codebook(
        [
            ("q1a", Entry(label="own")),
            ("q*", Entry(label="any", type="rating")),
            ("q1[a-c]", Entry(label="some", index="city")),
            ("q1a", Entry(separator=";")),
        ]
    )
    assert book.of("q1a") == Entry(label="own", type="rating", index="city", separator=";")
    assert book.of("q1b") == Entry(label="some", type="rating", index="city")
    assert book.of("q2") == Entry(label="any", type="rating")
    assert book.of("d1") == Entry()
    assert book.names() == ("q1a",)
