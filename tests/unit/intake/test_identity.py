import hashlib
import hmac
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.intake.identity import Severer, normaliser
from schemas.survey import KeyNormalisation, Residents
from tests.intake_sample import KEY, rating, survey_with, take_text


def same(kind: str, values: list[str], plus_addresses: bool = False) -> bool:
    normalise = normaliser(KeyNormalisation(kind), plus_addresses=plus_addresses)
    found = {normalise(value) for value in values}
    return len(found) == 1 and "" not in found


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (
            "email",
            ["ana@example.org", " Ana@Example.ORG ", "ana@example.org", "ana@example.org\u200b", "ana @example.org"],
        ),
        ("email", ["josé@example.org", "jose\u0301@example.org", "JOSÉ@EXAMPLE.ORG"]),
        ("phone", ["(812) 555-0100", "812.555.0100", "812 555 0100"]),
        ("phone", ["+1 812 555 0100", "0018125550100", "(+1) 812-555-0100"]),
        ("text", ["Straße  Eins", "STRASSE EINS ", "strasse\u00a0eins"]),
        ("code", ["ab-12 cd", "AB12CD", "ab‑12–cd"]),
        ("exact", ["Sí", "Si\u0301"]),
    ],
)
def test_spellings_of_one_key(kind: str, values: list[str]) -> None:
    assert same(kind, values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("email", ["ana+1@example.org", "ana@example.org"]),
        ("phone", ["0812 5550100", "812 5550100"]),
        ("text", ["1 1", "11"]),
        ("code", ["O1", "01"]),
        ("exact", ["a1", "A1"]),
        ("exact", ["a1", "a1 "]),
    ],
)
def test_different_keys_stay_different(kind: str, values: list[str]) -> None:
    assert not same(kind, values)


def test_plus_addresses_only_where_declared() -> None:
    assert same("email", ["ana+survey@example.org", "Ana@example.org"], plus_addresses=True)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("email", ["", "anonymous", "@", "a@", "@b", " "]),
        ("phone", ["", "none", "+"]),
        ("text", ["", " \u00a0", "\u200b"]),
        ("code", ["", " - "]),
        ("exact", ["", " ", "\ufeff"]),
    ],
)
def test_what_is_no_key(kind: str, values: list[str]) -> None:
    normalise = normaliser(KeyNormalisation(kind))
    assert {normalise(value) for value in values} == {""}


def severer(key: tuple[str, ...] = ("Email",), kind: str = "exact") -> Severer:
    return Severer(KEY, Residents(key=key, normalise=KeyNormalisation(kind)), ("", "NA"))


def test_the_pseudonym_is_a_keyed_hash_with_lengths_in_front() -> None:
    message = b"hearsafe/pseudonym/v1\x00" + b"\x00\x00\x00\x01a" + b"\x00\x00\x00\x02bc"
    wanted = hmac.digest(KEY, message, hashlib.sha256)[:16]
    assert severer(("A", "B")).pseudonym(("a", "bc")) == wanted


def test_parts_do_not_run_together() -> None:
    two = severer(("A", "B"))
    assert len({two.pseudonym(p) for p in (("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"))}) == 4


def test_columns_and_single_keys_agree() -> None:
    two = severer(("A", "B"))
    columns = [pa.array(["a", "", "x", "a", "NA"]), pa.array(["b", " ", "", "b", "NA"])]
    found = two.pseudonyms(columns)
    assert found.present.tolist() == [True, False, True, True, False]
    assert found.digests[0].tobytes() == two.pseudonym(("a", "b")) == found.digests[3].tobytes()
    assert found.digests[2].tobytes() == two.pseudonym(("x", ""))
    assert two.pseudonym(("", "NA")) is None


def test_other_keys_give_other_pseudonyms() -> None:
    other = Severer(b"another key of thirty-two bytes!", Residents(key=("Email",)))
    assert other.pseudonym(("a",)) != severer().pseudonym(("a",))


def test_a_short_hmac_key_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Severer(b"short", Residents(key=("Email",)))


def test_rows_without_key_are_quarantined(tmp_path: Path) -> None:
    taken = take_text(survey_with(), tmp_path, "Email,Q1\nana@example.org,1\n,2\nanonymous,3\n\u00a0,4\n")
    assert taken.reasons == [(2, "key_missing"), (3, "key_missing"), (4, "key_missing")]
    assert [q.field for q in taken.quarantined] == ["Email"] * 3


def test_without_resident_key_every_row_is_its_own(tmp_path: Path) -> None:
    survey = survey_with(residents={"key": "none"})
    first, second = (take_text(survey, tmp_path, "Q1\n1\n1\n") for _ in range(2))
    assert len({row["pseudonym"] for row in (*first.rows, *second.rows)}) == 4


def test_ties_hang_on_the_row_alone(tmp_path: Path) -> None:
    first = take_text(survey_with(), tmp_path, "Email,Q1\na@b,1\nb@b,2\nc@b,1\n")
    second = take_text(survey_with(), tmp_path, "Email,Q1\nx@b,2\ny@b,1\n")
    ties = [row["tie"] for row in first.rows]
    assert ties[0] == ties[2] != ties[1]
    assert [row["tie"] for row in second.rows] == [ties[1], ties[0]]
    assert not set(ties) & {row["pseudonym"] for row in first.rows}


def test_nothing_of_a_key_is_in_the_rows(tmp_path: Path) -> None:
    survey = survey_with([rating("quality", "Q1")], residents={"key": ["Name", "Street"], "normalise": "text"})
    taken = take_text(survey, tmp_path, "Name,Street,Q1\nHidden Person,Secret Street,1\n")
    assert list(taken.rows[0]) == ["pseudonym", "tie", "seen_at", "complete", "a0"]
    assert b"idden" not in b"".join(v for v in taken.rows[0].values() if isinstance(v, bytes))


def test_a_household_is_a_pseudonym_of_its_own(tmp_path: Path) -> None:
    """Spellings of one address are one household; its hash can be compared with no resident's."""
    residents = {"key": ["Email"], "normalise": "exact", "household": {"key": "Address", "at_most": 3}}
    text = "Email,Address,Q1\na,Main  Street 1,1\nb,MAIN STREET 1,2\nc,main street 2,1\nMain Street 1,c,2\n"
    taken = take_text(survey_with(residents=residents), tmp_path, text)
    homes = [row["household"] for row in taken.rows]
    people = [row["pseudonym"] for row in taken.rows]
    assert homes[0] == homes[1] != homes[2]
    assert len(set(people)) == 4 and not set(homes) & set(people)


def test_a_row_without_a_household_is_quarantined(tmp_path: Path) -> None:
    residents = {"key": ["Email"], "normalise": "email", "household": {"key": ["Street", "No"], "at_most": 3}}
    text = "Email,Street,No,Q1\na@x.org,Main,1,1\nb@x.org, , ,2\nc@x.org,,NA,2\n,,,1\nd@x.org,,7,1\n"
    taken = take_text(survey_with(residents=residents, missing={"": "not_answered", "NA": "not_asked"}), tmp_path, text)
    assert taken.reasons == [(2, "household_missing"), (3, "household_missing"), (4, "key_missing")]
    assert {q.field for q in taken.quarantined} == {"Street + No", "Email"}
    assert len(taken.rows) == 2
