from pathlib import Path

import pytest
import xlsxwriter

from schemas.errors import DeclarationFault, InputRefused
from tests.intake_sample import survey_with, take, written

ROWS = "Email,Q1\nana@example.org,1\nBEN@example.org,2\neva@example.org,3\n"


def verified_survey(kind: str, match: str, require: bool = False, **residents):
    declared = {
        "key": ["Email"],
        "normalise": "email",
        "verified_by": {"format": kind, "match": match, "require": require},
    }
    return survey_with(residents=declared | residents)


SALESFORCE = (
    '"Id","LastName","FirstName","MailingCity","Phone","Email","CreatedDate","Ward__c"\n'
    '"003x","One","Ana","Riverbend","","Ana@Example.org","2020-01-01T00:00:00.000Z","3"\n'
    '"003y","Two","Ben","Riverbend","","ben@example.org ","2020-01-01T00:00:00.000Z",""\n'
    '"003z","Three","No","Riverbend","","","2020-01-01T00:00:00.000Z",""\n'
    '\n"Contacts of Riverbend"\n"Copyright"\n'
)
HUBSPOT = "Record ID,First Name,Last Name,Email,Phone Number,Lifecycle Stage,Create Date\n1,A,O,ana@example.org,,lead,\n2,B,T,ben@example.org,,lead,\n"
CIVICRM = (
    "Internal Contact ID,First Name,Last Name,Home-Email,Work-Email,Home-Phone-Phone\n"
    "1,A,O,ana@example.org,,\n2,B,T,,Ben@example.org,\n3,C,U,,,\n"
)


@pytest.mark.parametrize(
    ("kind", "match", "text"),
    [
        ("salesforce", "Email", SALESFORCE),
        ("hubspot", "Email", HUBSPOT),
        ("civicrm", "Email", CIVICRM),
        ("generic", "mail", "name;mail\nA;ana@example.org\nB;ben@example.org\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_contact_exports(tmp_path: Path, kind: str, match: str, text: str, encoding: str) -> None:
    contacts = written(tmp_path, text, encoding, "contacts.csv")
    taken = take(verified_survey(kind, match), written(tmp_path, ROWS), contacts=contacts)
    assert taken.cells("verified") == ["yes", "yes", "no"]


def test_dynamics_workbook(tmp_path: Path) -> None:
    path = tmp_path / "contacts.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    names = [
        "(Do Not Modify) Contact",
        "(Do Not Modify) Row Checksum",
        "(Do Not Modify) Modified On",
        "Full Name",
        "Email",
    ]
    sheet.write_row(0, 0, names)
    sheet.write_row(1, 0, ["guid", "sum", "", "Ana One", "ana@example.org"])
    sheet.write_row(2, 0, ["guid", "sum", "", "Ben Two", "ben@example.org"])
    sheet.set_column(0, 2, None, None, {"hidden": True})
    book.close()
    taken = take(verified_survey("dynamics", "Email"), written(tmp_path, ROWS), contacts=path)
    assert taken.cells("verified") == ["yes", "yes", "no"]


def test_civicrm_location_by_name(tmp_path: Path) -> None:
    contacts = written(tmp_path, CIVICRM, name="contacts.csv")
    taken = take(verified_survey("civicrm", "Home-Email"), written(tmp_path, ROWS), contacts=contacts)
    assert taken.cells("verified") == ["yes", "no", "no"]


def test_required_matches_exclude_the_others(tmp_path: Path) -> None:
    contacts = written(tmp_path, HUBSPOT, name="contacts.csv")
    taken = take(verified_survey("hubspot", "Email", require=True), written(tmp_path, ROWS), contacts=contacts)
    assert taken.cells("verified") == ["yes", "yes"]
    assert (taken.read, taken.excluded) == (3, 1)


def test_an_empty_contact_list_verifies_nobody(tmp_path: Path) -> None:
    contacts = written(tmp_path, "Email\n", name="contacts.csv")
    taken = take(verified_survey("generic", "Email", require=True), written(tmp_path, ROWS), contacts=contacts)
    assert (taken.rows, taken.excluded) == ([], 3)


def refusal(tmp_path: Path, text: str | None, match: str = "Email") -> InputRefused:
    contacts = None if text is None else written(tmp_path, text, name="contacts.csv")
    with pytest.raises(InputRefused) as caught:
        take(verified_survey("generic", match), written(tmp_path, ROWS), contacts=contacts)
    return caught.value


def test_refusals(tmp_path: Path) -> None:
    missing = refusal(tmp_path, None)
    assert (missing.code, "--contacts FILE" in missing.line()) == ("contacts_missing", True)
    unknown = refusal(tmp_path, "E-mail,Name\nana@example.org,Ana\n")
    assert (unknown.code, "'E-mail'" in unknown.line(), "ana" in unknown.line()) == (
        "contacts_column_missing",
        True,
        False,
    )
    assert refusal(tmp_path, "Email,Email\n").code == "contacts_column_duplicate"
    assert refusal(tmp_path, "\x1f").code == "source_empty"


def test_a_key_of_several_columns_cannot_be_matched(tmp_path: Path) -> None:
    survey = verified_survey("generic", "Email", key=["Email", "Q1"])
    with pytest.raises(DeclarationFault):
        take(survey, written(tmp_path, ROWS), contacts=written(tmp_path, HUBSPOT, name="contacts.csv"))
