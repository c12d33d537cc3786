"""Two waves of a small city that asks in every way: rankings, comments, numbers, importance; households and a contact list."""

import csv
import random
from dataclasses import dataclass, field
from pathlib import Path

SURVEY = """\
survey: typeville
title: Typeville survey
population: typeville-adults
wave: {{id: "{wave}", year: {wave}}}
expected: {{responses: 900}}
residents:
  key: [Email]
  normalise: email
  household: {{key: [Address], at_most: 2}}
  verified_by: {{format: generic, match: Email}}
sources:
  - {{id: web, format: delimited, time: {{column: When, pattern: "%Y-%m-%d"}}}}
missing: {{"": not_answered}}
demographics:
  - {{id: district, column: District, categories: {{N: North, S: South}}}}
questions:
  - {{id: {parks}, column: Parks, type: rating, text: City parks, positive: [{good}], options: {{{scale}}}}}
  - {{id: parks_matter, column: Matter, type: rating, text: Parks matter, positive: ["1", "2"],
     options: {{"1": Very, "2": Quite, "3": Hardly, "4": Not}}}}
  - {{id: years, column: Years, type: numeric, bounds: [0, 80], bins: [0, 5, 10, 20, 40, 80]}}
  - {{id: top, type: ranking, columns: [First, Second, Third], options: {{r: Roads, b: Buses, t: Trees, x: Taxes}}}}
  - {{id: wishes, column: Wishes, type: themes, dictionary: themes.yaml, at_most: 2}}
"""
COMPARED = """\
benchmarks: {parks: {value: 0.5, source: "National, 2025"}, years: {value: 12, source: "Census"}}
importance: {parks: parks_matter}
trends:
  parks: {"2024": {question: parks_then, codes: {A: "1", B: "2", C: "3", D: "4", E: "4"}}}
  years: {"2024": years}
"""
POLICY = """\
population: typeville-adults
unit: {protects: household}
delta: 1.0e-6
caps: {release: {rho: 200000}, wave: {rho: 500000}, year: {rho: 500000}, lifetime: {rho: 1000000}}
spend: {rho: 200000, noise: gaussian}
workload: {toplines: all, crosstabs: {priority: [[parks, verified], [top, district], [wishes, district]], others: all}, emphasis: {toplines: 10000}}
precision: {publish_margin_points: 100, min_expected_base: 0}
prior: {interaction: 3}
"""
THEMES = """\
streets: {label: Streets and traffic, words: [traffic, street*, tráfico, red light]}
green: {label: Trees and parks, words: [tree*, park, parks]}
money: {label: Taxes, words: [tax*]}
"""
_SCALE = {"2024": ("parks_then", "A, B, C", "A: Best, B: Good, C: Fair, D: Poor, E: Worst", "ABCDE"),
          "2026": ("parks", '"1", "2"', '"1": Best, "2": Good, "3": Fair, "4": Poor', "1234")}  # fmt: skip
_WISHES = ("", "", "More TREES please {0}", "the tra\u0301fico, and taxes, and parks {0}", "nothing {0}", "red  light {0}",
           "Taxes! {0}", "taxes for trees {0}")  # fmt: skip


@dataclass
class Wave:
    """A folder with declarations, an export and a contact list; `secrets`: words that may be nowhere else."""

    folder: Path
    secrets: list[str] = field(default_factory=list)


def build_wave(folder: Path, wave: str, rng: random.Random, residents: int = 420) -> Wave:
    """About two residents a household; in one household of ten, five who all answer the same."""
    folder.mkdir(parents=True)
    made = Wave(folder)
    parks, good, scale, codes = _SCALE[wave]
    text = SURVEY.format(wave=wave, parks=parks, good=good, scale=scale)
    (folder / "survey.yaml").write_text(text + (COMPARED if wave == "2026" else ""))
    (folder / "policy.yaml").write_text(POLICY if wave == "2026" else POLICY.replace("parks, ver", "parks_then, ver"))
    (folder / "themes.yaml").write_text(THEMES)
    columns = ["When", "Email", "Address", "District", "Parks", "Matter", "Years", "First", "Second", "Third", "Wishes"]
    with (folder / "export.csv").open("w", newline="") as stream, (folder / "contacts.csv").open("w") as contacts:
        writer = csv.writer(stream)
        writer.writerow(columns)
        contacts.write("Email\n")
        number = 0
        while number < residents:
            crowd = rng.random() < 0.1
            address = f"{number} Main Street"
            alike = _answers(rng, codes, f"canary{wave}{number}")
            for _ in range(5 if crowd else rng.choice((1, 2))):
                answers = alike if crowd else _answers(rng, codes, f"canary{wave}{number}")
                email = f"r{number}@x.org"
                rows = [["2026-03-02", email, address, *answers]]
                if rng.random() < 0.2:  # an earlier answer, which does not count
                    rows.insert(0, ["2026-03-01", email.upper(), address, *_answers(rng, codes, f"canaryold{number}")])
                writer.writerows(rows)
                made.secrets += [row[-1].split()[-1] for row in rows if "canary" in row[-1]]
                if rng.random() < 0.6 or crowd:
                    contacts.write(f"{email}\n")
                number += 1
    return made


def _answers(rng: random.Random, codes: str, secret: str) -> list[str]:
    ranked = rng.sample("rbtx", rng.choice((0, 1, 2, 3, 3)))
    places = [*ranked, "", "", ""][:3]
    if rng.random() < 0.1:
        places = rng.choice((["", "t", "b"], ["r", "r", "t"], ["zz", "x", ""], ["zz", "", ""]))
    return [rng.choice("NNS"), rng.choice([*codes, ""]), rng.choice(["1", "2", "3", "4", ""]),
            str(rng.choice((rng.randint(0, 80), 200, ""))), *places, rng.choice(_WISHES).format(secret)]  # fmt: skip
