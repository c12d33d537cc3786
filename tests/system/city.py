"""A small synthetic city for system tests: raw exports full of planted strings, declarations, contacts, keys."""

import csv
import random
import secrets
from dataclasses import dataclass, field
from pathlib import Path

SURVEY = """\
survey: testville
title: Testville survey
population: testville-adults
wave: {id: "2026", year: 2026}
expected: {responses: 8000, invited: 20000}
residents:
  key: [Email]
  normalise: email
  drop: [FirstName, LastName, Address, Phone, Comment]
  verified_by: {format: salesforce, match: Email}
sources:
  - {id: web, format: delimited, time: {column: When, pattern: "%Y-%m-%d %H:%M:%S"}}
missing: {"": not_answered, "NA": not_asked}
demographics:
  - {id: district, column: District, categories: {N: North, S: South, E: East}, targets: {N: 0.3, S: 0.4, E: 0.3}}
  - {id: age, column: Age, categories: {"1": 18 to 44, "2": 45 and over}, targets: {"1": 0.5, "2": 0.5}}
questions:
  - {id: quality, column: Q1, type: rating, text: Quality of life, positive: ["1", "2"],
     options: {"1": Excellent, "2": Good, "3": Fair, "4": Poor, "5": {label: Don't know, role: no_opinion}}}
  - {id: safety, column: Q2, type: rating, text: Safety, positive: ["1", "2"],
     options: {"1": Excellent, "2": Good, "3": Fair, "4": Poor}}
  - {id: used, column: Q3, type: multi, at_most: 3, options: {Parks: Parks, Library: Library, "Bus, tram": Transit}}
  - {id: years, column: Q4, type: numeric, bounds: [0, 90], bins: [0, 5, 20, 90]}
  - {id: recommend, column: Q5, type: nps}
indices:
  - {id: living, items: [quality, safety]}
"""

POLICY = """\
population: testville-adults
unit: {protects: resident, shared_keys: false}
delta: 1.0e-6
caps:
  release: {epsilon: 4}
  wave: {epsilon: 6}
  year: {epsilon: 8}
  lifetime: {epsilon: 20}
spend: {epsilon: 2, noise: gaussian}
workload: {toplines: all, indices: all, crosstabs: {priority: [[quality, district]], others: forecast}, demographics: pairs}
precision: {publish_margin_points: 10, min_expected_base: 40}
prior: {interaction: 3}
"""

RESIDENTS = 7919
"""Planted row count: a prime that no other number of the release is likely to be."""


@dataclass
class City:
    """Paths of the city's files and every string that must never leave."""

    folder: Path
    export: Path
    contacts: Path
    canaries: list[str] = field(default_factory=list)

    def declare(self, survey: str = SURVEY, policy: str = POLICY) -> None:
        (self.folder / "survey.yaml").write_text(survey)
        (self.folder / "policy.yaml").write_text(policy)


def build_city(folder: Path, residents: int = RESIDENTS) -> City:
    """Write declarations, an export with `residents` rows of distinct residents, and a contact list."""
    folder.mkdir(parents=True, exist_ok=True)
    city = City(folder, folder / "export.csv", folder / "contacts.csv")
    rng = random.Random(5)
    columns = [
        "When",
        "Email",
        "FirstName",
        "LastName",
        "Address",
        "Phone",
        "Comment",
        "District",
        "Age",
        "Q1",
        "Q2",
        "Q3",
        "Q4",
        "Q5",
    ]
    with city.export.open("w", newline="", encoding="utf-8") as stream, city.contacts.open("w", newline="") as contacts:
        writer, contact_writer = csv.writer(stream), csv.writer(contacts)
        writer.writerow(columns)
        contact_writer.writerow(["Id", "FirstName", "LastName", "Email"])
        for i in range(residents):
            planted = [f"canary{name}{secrets.token_hex(8)}" for name in ("first", "last", "addr", "phone", "comment")]
            email = f"canarymail{secrets.token_hex(8)}@example.org"
            if i % 400 == 0:
                city.canaries += [*planted, email.partition("@")[0]]
            writer.writerow(
                [f"2026-03-{1 + i % 28:02d} 10:00:00", email, *planted, rng.choice("NSE"), rng.choice("12"),
                 rng.choice(["1", "2", "2", "3", "4", "5", "", "x" + planted[0]]), rng.choice("1234"),
                 rng.choice(["", "Parks", "Parks,Library", "Bus, tram,Parks", planted[1]]), str(rng.randint(0, 95)),
                 str(rng.randint(0, 10))]
            )  # fmt: skip
            if rng.random() < 0.7:
                contact_writer.writerow([f"canaryid{secrets.token_hex(8)}", planted[0], planted[1], email.upper()])
    city.declare()
    return city
