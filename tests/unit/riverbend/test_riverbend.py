"""The demo city: valid declarations, exports that fit them, the same bytes each time, and findings to find."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from pipelines.declarations import load_declarations
from pipelines.riverbend import draws
from pipelines.riverbend.answers import DEMOGRAPHICS, QUESTIONS, answers
from pipelines.riverbend.exports import write_contacts, write_mail, write_web
from pipelines.riverbend.generate import DemoFiles, build
from pipelines.riverbend.responses import invited, responses


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return build(tmp_path_factory.mktemp("riverbend"))


def _records(path: Path, encoding: str, delimiter: str, headers: int) -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))[headers - 1 :]


def test_declarations_load_and_use_only_what_is_built(city: DemoFiles) -> None:
    declarations = load_declarations(city.directory)
    assert declarations.survey.population == declarations.policy.population
    assert len(declarations.survey.questions) == 30
    assert not declarations.policy.approvals.officers[0].endswith("0" * 64)


def test_every_declared_column_is_in_the_exports(city: DemoFiles) -> None:
    survey = load_declarations(city.directory).survey
    used = {column for question in survey.questions for column in question.columns_used()}
    assert used == set(QUESTIONS)
    assert {demographic.column for demographic in survey.demographics} == set(DEMOGRAPHICS)
    web = _records(city.sources[0].path, "utf-8-sig", ",", 3)
    mail = _records(city.sources[1].path, "cp1252", ";", 1)
    assert used | set(DEMOGRAPHICS) | {"RecipientEmail", "InsideCity", "Status", "Finished"} <= set(web[0])
    renamed, absent = survey.sources[1].columns, set(survey.sources[1].absent)
    assert ((used | set(DEMOGRAPHICS)) - absent) | set(renamed.values()) | {"Received"} <= set(mail[0])


def test_a_second_build_changes_no_byte(city: DemoFiles) -> None:
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in city.directory.rglob("*") if p.is_file()}
    assert build(city.directory) == city
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in city.directory.rglob("*") if p.is_file()} == before


def test_exports_are_the_same_on_every_machine(tmp_path: Path) -> None:
    everything = responses()
    write_web(tmp_path / "web", [r for r in everything if r.channel == "web"])
    write_mail(tmp_path / "mail", [r for r in everything if r.channel == "mail"])
    write_contacts(tmp_path / "contacts", invited())
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest()[:16] for p in sorted(tmp_path.iterdir())}
    assert digests == DIGESTS


def test_the_exports_hold_the_usual_disorder(city: DemoFiles) -> None:
    web = _records(city.sources[0].path, "utf-8-sig", ",", 3)
    spellings = [row["RecipientEmail"] for row in web]
    people = [email.strip().lower() for email in spellings]
    assert len(set(people)) < len(set(spellings))
    assert "" in people
    assert {row["Status"] for row in web} == {"IP Address", "Survey Preview"}
    assert {row["InsideCity"] for row in web} == {"YES", "NO"}
    assert {row["Finished"] for row in web} == {"True", "False"}
    assert any(row["Q1_1"] == "-99" for row in web)
    assert any(row["Q9"] == "1987" for row in web)
    assert any(row["Q6"].count(",") >= 5 for row in web)
    listed = {row["Email"] for row in _records(city.contacts, "utf-8", ",", 1)}
    assert 0 < len(set(people) - listed - {""}) < 300
    assert all(email.endswith("@example.org") for email in [*listed, *people] if email)


def test_groups_differ_where_the_report_should_find_it() -> None:
    columns = answers(3000)

    def favourable(question: str, demographic: str, code: str) -> float:
        group = columns[demographic] == code
        asked = group & np.isin(columns[question], ["1", "2", "3", "4"])
        return float(np.isin(columns[question][asked], ["1", "2"]).mean())

    assert favourable("Q2_2", "D2", "2") - favourable("Q2_2", "D2", "1") > 0.1
    assert favourable("Q1_1", "D3", "N") - favourable("Q1_1", "D3", "S") > 0.1
    assert favourable("Q1_5", "D4", "1") - favourable("Q1_5", "D4", "2") > 0.1


def test_draws_are_uniform_and_keep_their_shares() -> None:
    drawn = draws.uniforms("test", 40_000)
    assert 0 < drawn.min() < drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.01
    shares = np.bincount(draws.picks("test", 40_000, [1, 2, 1]), minlength=3) / 40_000
    assert np.allclose(shares, [0.25, 0.5, 0.25], atol=0.02)


DIGESTS = {"contacts": "04517fb9bc8bb3ce", "mail": "a2eff11408bc445e", "web": "2eec4600de8b41a9"}
