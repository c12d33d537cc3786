"""One-time codes: mailed to each contact once, kept as hashes only, counted once each, joined to nobody."""

import csv
import secrets
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from scipy.stats import chi2

from pipelines.declarations import load_declarations
from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.invite import invite
from pipelines.spreadsheet_text import harmless
from pipelines.wave_end import close_wave
from pipelines.workspace import open_workspace
from pipelines.zone.invite_room import ALPHABET, new_code
from pipelines.zone.issued import ISSUED, read_issued
from pipelines.zone.keys import KeySource, read_hmac_key, read_key_file
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.storage import open_zone
from schemas.errors import DeclarationFault, Fault, InputRefused, UsageFault, ZoneFault
from tests.system.city import POLICY, SURVEY, build_city
from tests.system.sweep import sweep

CODED = (
    SURVEY.replace("key: [Email]", "key: [Code]")
    .replace("normalise: email", "normalise: code")
    .replace("drop: [", "drop: [Email, ")
    .replace("match: Email}", "match: Email, codes: true}")
    .replace("sources:\n", 'sources:\n  - {id: mail, format: delimited, columns: {Code: "Your code"}}\n')
)
FILE = KeySource("file")
HEADER = "When,Code,District,Age,Q1,Q2,Q3,Q4,Q5\n"


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


class Wave:
    """A city that answers under codes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.city = build_city(folder / "city", residents=40)
        self.city.declare(CODED, POLICY)

    def invite(self, name: str = "mailing.csv") -> tuple[int, int]:
        return invite(self.workspace, self.declarations, self.city.contacts, self.folder / name, key=FILE)

    @property
    def workspace(self):
        return open_workspace(self.folder / "ws")

    @property
    def declarations(self):
        return load_declarations(self.city.folder)

    def codes(self, name: str = "mailing.csv") -> list[str]:
        with (self.folder / name).open(newline="", encoding="utf-8") as stream:
            return [row["Code"] for row in csv.DictReader(stream)]

    def answer(self, rows: list[tuple[str, str]], *, source: str = "web", header: str = HEADER) -> None:
        """Ingest answers of (code as typed, answer to Q1)."""
        path = self.folder / f"{secrets.token_hex(4)}.csv"
        lines = [f'2026-03-01 10:00:{i % 60:02d},"{code}",N,1,{q1},2,Parks,4,9\n' for i, (code, q1) in enumerate(rows)]
        path.write_text(header + "".join(lines), encoding="utf-8")
        ingest(self.workspace, self.declarations, [SourceFile(source, path)], contacts=None, key=FILE)

    def zone(self, query: str) -> list[tuple]:
        folder = self.workspace.zone("testville", "2026")
        key = read_key_file(self.workspace.wave_keys("testville", "2026") / "zone.key")
        snapshot = current_snapshot(folder, key)
        with open_zone({"zone": (snapshot.path, False)}, key, spill=folder / "spill") as zone:
            return zone.execute(query).fetchall()

    def counted(self) -> int:
        return self.zone("SELECT count(*) FROM zone.core_responses")[0][0]


@pytest.fixture
def wave(tmp_path: Path) -> Wave:
    return Wave(tmp_path)


def spelled(code: str) -> list[str]:
    """The ways in which people type a code."""
    full_width = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in code)
    return [
        code,
        code.lower(),
        code.replace("-", ""),
        code.replace("-", " "),
        f"  {code}\u00a0",
        code.replace("-", "\u2013"),
        code.replace("1", "l").replace("0", "O"),
        code.replace("1", "I").replace("0", "o"),
        unicodedata.normalize("NFD", full_width),
        full_width,
        f"\u200b{code}\u2060",
    ]


@pytest.mark.extended
def test_each_contact_gets_a_code_and_no_contact_gets_two(wave: Wave) -> None:
    contacts = wave.city.contacts.read_text().splitlines()
    wave.city.contacts.write_text("\n".join([*contacts, contacts[1].upper(), contacts[2]]) + "\n")
    assert wave.invite() == (len(contacts) - 1, 2)
    codes = wave.codes()
    assert len(set(codes)) == len(codes) == len(contacts) - 1
    assert (wave.folder / "mailing.csv").stat().st_mode & 0o077 == 0
    more = "\n".join([*contacts, "canaryidnew,Ann,Lee,ann@example.org"]) + "\n"
    wave.city.contacts.write_text(more)
    assert wave.invite("second.csv") == (1, len(contacts) - 1)
    assert not set(wave.codes("second.csv")) & set(codes)


def test_codes_have_eighty_bits_and_every_character_is_as_likely() -> None:
    codes = [new_code() for _ in range(6400)]
    letters = Counter("".join(codes).replace("-", ""))
    assert len(ALPHABET) ** 16 == 2**80
    assert set(letters) == set(ALPHABET)
    assert len(set(codes)) == 6400
    expected = 6400 * 16 / 32
    chi = sum((count - expected) ** 2 / expected for count in letters.values())
    assert chi < chi2.isf(1e-9, 31)


def test_an_issued_code_counts_once_however_it_is_typed_and_on_whatever_channel(wave: Wave) -> None:
    wave.invite()
    first, second, *_ = wave.codes()
    wave.answer([(spelling, "1") for spelling in spelled(first)])
    assert wave.counted() == 1
    wave.answer(
        [(spelling, "2") for spelling in spelled(first)], source="mail", header=HEADER.replace("Code", "Your code")
    )
    assert wave.counted() == 1
    wave.answer([(second, "3")], source="mail", header=HEADER.replace("Code", "Your code"))
    assert wave.counted() == 2


def test_a_code_that_was_not_issued_is_set_aside_without_being_said(wave: Wave) -> None:
    wave.invite()
    code = wave.codes()[0]
    wave.answer([(code, "1"), (new_code(), "2"), ("0000-0000-0000-0000", "1"), (code[:-1], "1"), ("guess", "1")])
    assert wave.counted() == 1
    found = wave.zone("SELECT row_number, field, reason FROM zone.core_quarantine ORDER BY row_number")
    assert found == [(n, "Code", "code_not_issued") for n in (2, 3, 4, 5)]


@pytest.mark.extended
def test_without_codes_nothing_is_taken_and_undeclared_codes_are_not_issued(wave: Wave) -> None:
    with refused(InputRefused, "codes_missing"):
        wave.answer([(new_code(), "1")])
    wave.city.declare(SURVEY, POLICY)
    with refused(DeclarationFault, "codes_not_declared"):
        wave.invite()
    wave.city.declare(CODED.replace("normalise: code", "normalise: email"), POLICY)
    with pytest.raises(DeclarationFault):
        wave.invite()


@pytest.mark.extended
def test_neither_code_nor_contact_nor_what_joins_them_is_kept(wave: Wave) -> None:
    wave.invite()
    codes = wave.codes()
    wave.answer([(code, "1") for code in codes[:9]])
    with wave.city.contacts.open(newline="") as stream:
        people = [cell for row in list(csv.reader(stream))[1:] for cell in row]
    plain = [code.replace("-", "") for code in codes]
    assert sweep([wave.folder / "ws"], [*codes, *plain, *people]) == []
    folder, keys = wave.workspace.zone("testville", "2026"), wave.workspace.wave_keys("testville", "2026")
    hmac = read_hmac_key(keys / "hmac.key", read_key_file(keys / "zone.key"))
    issued = read_issued(folder, hmac)
    assert len(issued.codes) == len(issued.contacts) == len(codes)
    assert not issued.codes & issued.contacts
    with refused(ZoneFault, "codes_damaged"):
        read_issued(folder, bytes(32))
    close_wave(wave.workspace, wave.declarations, key=FILE)
    assert not (folder / ISSUED).exists()


def test_under_codes_an_answers_time_is_its_day_and_its_place_no_order_of_arrival(wave: Wave) -> None:
    wave.invite()
    codes = wave.codes()
    wave.answer([(code, "1") for code in codes])
    rows = wave.zone("SELECT seen_at, pseudonym FROM zone.core_responses")
    assert {seen % 86_400_000_000 for seen, _ in rows} == {0}
    assert [name for _, name in rows] == sorted(name for _, name in rows)


def test_the_mailing_file_stays_outside_and_is_never_overwritten(wave: Wave) -> None:
    place = wave.folder / "ws" / "mailing.csv"
    with refused(UsageFault, "mailing_inside"):
        invite(wave.workspace, wave.declarations, wave.city.contacts, place, key=FILE)
    (wave.folder / "mailing.csv").write_text("mine")
    with refused(UsageFault, "mailing_exists"):
        wave.invite()
    with refused(InputRefused, "mailing_unwritable"):
        invite(wave.workspace, wave.declarations, wave.city.contacts, wave.folder / "none" / "m.csv", key=FILE)
    assert not list(wave.folder.glob("*.part"))


@pytest.mark.extended
def test_a_failed_invitation_issues_nothing(wave: Wave) -> None:
    wave.city.contacts.write_text("Id,Name\n1,Ann\n")
    with refused(InputRefused, "contacts_column_missing"):
        wave.invite()
    assert not (wave.folder / "mailing.csv").exists()
    assert not (wave.workspace.zone("testville", "2026") / ISSUED).exists()


FORMULAS = [
    "=1+1",
    "+A1",
    "-A1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("x")',
    "=cmd|' /C calc'!A0",
    " =1",
    "\uff1d1",
    "-1+cmd",
]


def test_no_cell_of_the_mailing_file_is_a_formula(wave: Wave) -> None:
    with wave.city.contacts.open("w", newline="") as stream:
        rows = [[number, text, f"x{number}@example.org"] for number, text in enumerate(FORMULAS)]
        csv.writer(stream).writerows([["Id", "=Name", "Email"], *rows])
    assert wave.invite() == (len(FORMULAS), 0)
    with (wave.folder / "mailing.csv").open(newline="", encoding="utf-8") as stream:
        written = list(csv.reader(stream))
    assert len(written) == len(FORMULAS) + 1
    for cell in (cell for row in written for cell in row):
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    assert harmless("-12.5") == "-12.5"


@pytest.mark.extended
def test_a_damaged_list_of_codes_is_refused_not_ignored(wave: Wave) -> None:
    wave.invite()
    place = wave.workspace.zone("testville", "2026") / ISSUED
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(content)
    with refused(ZoneFault, "codes_damaged"):
        wave.answer([(wave.codes()[0], "1")])
