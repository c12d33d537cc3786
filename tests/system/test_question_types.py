"""Every question type and comparison, from export to report, at noise too small to matter: what is released is what SQL
counts on the raw rows, household by household, and no word of a comment is anywhere else.
"""

import random
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.declarations import load_declarations
from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.ledger.store import Ledger
from pipelines.outlet.verify import verify
from pipelines.release import release
from pipelines.workspace import open_workspace
from pipelines.zone.keys import KeySource
from schemas.errors import DeclarationFault, IntegrityFault
from tests.system.sweep import sweep
from tests.system.typed_city import Wave, build_wave

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("question-types")]

Rows = dict[tuple[Any, ...], dict[str, Any]]
KEY = KeySource.parse("file")
ALL = ("2024", "2026")


class Typed:
    """Both waves, released one after the other in one workspace."""

    def __init__(self, home: Path) -> None:
        rng = random.Random(11)
        self.workspace = open_workspace(home / "workspace")
        self.waves: dict[str, Wave] = {wave: build_wave(home / wave, wave, rng) for wave in ALL}
        self.releases: dict[str, Path] = {}
        self.missing: DeclarationFault | None = None
        for wave in reversed(ALL):
            self.take(wave)
        try:
            self.release("2026")
        except DeclarationFault as fault:
            self.missing = fault
        self.charged_before = len(Ledger.open(self.workspace).state().crossings)
        for wave in ALL:
            self.releases[wave] = self.release(wave)

    def take(self, wave: str) -> None:
        folder = self.waves[wave].folder
        files = [SourceFile("web", folder / "export.csv")]
        ingest(self.workspace, load_declarations(folder), files, contacts=folder / "contacts.csv", key=KEY)

    def release(self, wave: str) -> Path:
        return release(self.workspace, load_declarations(self.waves[wave].folder), key=KEY).folder

    def summary(self, wave: str) -> Rows:
        rows = pq.read_table(self.releases[wave] / "summary.parquet").to_pylist()
        return {(r["subject"], r["statistic"], r["option"], r["group_attribute"], r["group"]): r for r in rows}

    def sql(self, wave: str, query: str) -> list[tuple[Any, ...]]:
        """A query over `counted`: the latest answer of each resident in each household, at most two a household."""
        folder = self.waves[wave].folder
        with duckdb.connect() as connection:
            connection.execute(
                f"CREATE TABLE raw AS SELECT * FROM read_csv('{folder}/export.csv', all_varchar = true, nullstr = 'NULL')"
            )
            connection.execute(f"CREATE TABLE list AS SELECT lower(Email) AS e FROM read_csv('{folder}/contacts.csv')")
            connection.execute(
                "CREATE TABLE counted AS SELECT *, lower(Email) IN (FROM list) AS known FROM raw "
                'QUALIFY row_number() OVER (PARTITION BY lower(Email) ORDER BY "When" DESC) = 1'
            )
            connection.execute(
                "CREATE OR REPLACE TABLE counted AS FROM counted QUALIFY row_number() OVER (PARTITION BY Address) <= 2"
            )
            return connection.execute(query).fetchall()


def close(row: dict[str, Any], exact: float, most: float) -> bool:
    """Within five standard deviations of the noise, which are at most `most`."""
    allowed = 5 * row["noise_moe"] / 1.96
    assert allowed <= most, allowed
    return abs(row["value"] - exact) <= allowed + 1e-9


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    return Typed(tmp_path_factory.mktemp("typed"))


def test_a_trend_without_its_release_is_refused_before_anything_is_charged(typed: Typed) -> None:
    assert typed.missing is not None
    assert (typed.missing.code, typed.missing.where) == ("trend_release_missing", "survey.yaml: trends.parks.2024")
    assert typed.charged_before == 0


def test_households_are_counted_at_most_twice(typed: Typed) -> None:
    ((people, crowd),) = typed.sql("2026", "SELECT count(*), (SELECT count(DISTINCT Email) FROM raw) FROM counted")
    assert people < 0.9 * crowd, "some households are crowded"
    found = sum(r["value"] for k, r in typed.summary("2026").items() if k[:2] == ("district", "population"))
    assert found == pytest.approx(people, abs=0.3)
    proof = verify(typed.releases["2026"])
    loss = proof.card.expert.privacy_loss
    assert loss.privacy_unit == "household" and "At most 2 responses" in loss.privacy_unit_description
    plain = next(m for m in proof.card.expert.implementation.measured if m.table == "district")
    assert (plain.l1, plain.l2_squared) == (2, 4)
    ranked = next(m for m in proof.card.expert.implementation.measured if m.table == "top")
    assert (ranked.l1, ranked.l2_squared) == (6, 12)


@pytest.mark.parametrize("district", [None, "N", "S"])
def test_rankings_are_those_of_sql(typed: Typed, district: str | None) -> None:
    """A repeat counts at its first place, a gap stays, text that is no option takes its place alone."""
    where = "true" if district is None else f"District = '{district}'"
    place = "CASE WHEN First = '{o}' THEN 1 WHEN Second = '{o}' THEN 2 WHEN Third = '{o}' THEN 3 END"
    rows = typed.summary("2026")
    for option in "rbtx":
        at = place.format(o=option)
        any_option = "First IN ('r','b','t','x') OR Second IN ('r','b','t','x') OR Third IN ('r','b','t','x')"
        ((first, ranked, points),) = typed.sql(
            "2026",
            f"SELECT 100 * avg(({at} IS NOT NULL AND {at} = 1)::INT), 100 * avg(({at} IS NOT NULL)::INT), "
            f"avg(coalesce(4 - {at}, 0)) FROM counted WHERE ({any_option}) AND {where}",
        )
        group = (None, None) if district is None else ("district", district)
        assert close(rows["top", "pct_first", option, *group], first, most=0.4)
        assert close(rows["top", "pct_ranked", option, *group], ranked, most=0.4)
        assert close(rows["top", "rank_points", option, *group], points, most=0.02)


@pytest.mark.parametrize("district", [None, "N", "S"])
def test_themes_are_those_of_a_pattern_over_the_text(typed: Typed, district: str | None) -> None:
    text = "strip_accents(lower(Wishes))"
    streets = rf"regexp_matches({text}, '\b(traffic|street\w*|trafico|red\W+light)\b')"
    green, money = (rf"regexp_matches({text}, '\b({w})\b')" for w in (r"tree\w*|park|parks", r"tax\w*"))
    cut = f"({money} AND NOT ({streets} AND {green}))"  # two a comment, the first of the dictionary
    where = "Wishes <> ''" + ("" if district is None else f" AND District = '{district}'")
    columns = ", ".join(f"100 * avg(({x})::INT)" for x in (streets, green, cut))
    (wanted,) = typed.sql("2026", f"SELECT {columns} FROM counted WHERE {where}")
    group = (None, None) if district is None else ("district", district)
    rows = typed.summary("2026")
    for code, share in zip(("streets", "green", "money"), wanted, strict=True):
        assert 0 < share < 100
        assert close(rows["wishes", "pct", code, *group], share, most=0.4)


def test_no_word_of_a_comment_is_anywhere_outside_the_exports(typed: Typed) -> None:
    secrets = typed.waves["2024"].secrets[:8] + typed.waves["2026"].secrets[:8]
    assert len(secrets) == 16 and all("canary" in secret for secret in secrets)
    assert sweep([typed.workspace.root], secrets) == []


def test_quantiles_are_those_of_the_histogram_and_hold_those_of_the_numbers(typed: Typed) -> None:
    years = "try_cast(Years AS DOUBLE)"
    edges = [0, 5, 10, 20, 40, 80]
    rows = typed.summary("2026")
    counts = [
        typed.sql("2026", f"SELECT count(*) FROM counted WHERE {years} >= {a} AND {years} {'<=' if b == 80 else '<'} {b}")[0][0]
        for a, b in pairwise(edges)
    ]  # fmt: skip
    for statistic, q in (("p10", 0.1), ("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p90", 0.9)):
        row = rows["years", statistic, None, None, None]
        ((exact,),) = typed.sql(
            "2026", f"SELECT quantile_cont({years}, {q}) FROM counted WHERE {years} BETWEEN 0 AND 80"
        )
        assert row["low"] <= exact <= row["high"]
        below, wanted = 0, q * sum(counts)
        for (low, high), people in zip(pairwise(edges), counts, strict=True):
            if below + people >= wanted:
                assert close(row, low + (wanted - below) / people * (high - low), most=0.1)
                break
            below += people


def test_benchmarks_and_importance_are_those_of_sql(typed: Typed) -> None:
    rows = typed.summary("2026")
    ((liked, asked, years),) = typed.sql(
        "2026",
        "SELECT (SELECT 100 * avg((Parks IN ('1', '2'))::INT) FROM counted WHERE Parks IN ('1','2','3','4')), "
        "(SELECT 100 * avg((Matter IN ('1', '2'))::INT) FROM counted WHERE Matter IN ('1','2','3','4')), "
        "(SELECT avg(try_cast(Years AS DOUBLE)) FROM counted WHERE try_cast(Years AS DOUBLE) BETWEEN 0 AND 80)",
    )
    gap = rows["parks", "pct_positive_benchmark_gap", None, None, None]
    assert close(gap, liked - 50, most=0.1) and gap["compared_with"] == "National, 2025"
    assert close(rows["years", "mean_benchmark_gap", None, None, None], years - 12, most=0.05)
    assert close(rows["parks", "importance_gap", None, None, None], asked - liked, most=0.1)
    rating = rows["parks", "importance_satisfaction", None, None, None]
    assert close(rating, asked * (100 - liked) / 100, most=0.1)


def test_verified_and_open_participation_are_groups(typed: Typed) -> None:
    rows = typed.summary("2026")
    for code, known in (("yes", "known"), ("no", "NOT known")):
        ((people, liked),) = typed.sql(
            "2026",
            f"SELECT count(*), 100 * avg(CASE WHEN Parks <> '' THEN (Parks IN ('1', '2'))::INT END) FROM counted WHERE {known}",
        )
        assert close(rows["verified", "population", code, None, None], people, most=0.2)
        assert close(rows["parks", "pct_positive", None, "verified", code], liked, most=0.1)
    page = (typed.releases["2026"] / "report.html").read_text()
    who = page.split('id="who"', 1)[1]
    assert "Verified resident" in who and "Open participation" in who


def test_changes_are_those_of_both_waves_by_todays_definition(typed: Typed) -> None:
    rows = typed.summary("2026")
    ((now,),) = typed.sql("2026", "SELECT 100 * avg((Parks IN ('1','2'))::INT) FROM counted WHERE Parks <> ''")
    ((then,),) = typed.sql("2024", "SELECT 100 * avg((Parks IN ('A','B'))::INT) FROM counted WHERE Parks <> ''")
    row = rows["parks", "pct_positive_change", None, None, None]
    assert close(row, now - then, most=0.1)
    assert row["compared_with"] == "2024" and row["significant"] in (True, False)
    ((worst_now,),) = typed.sql("2026", "SELECT 100 * avg((Parks = '4')::INT) FROM counted WHERE Parks <> ''")
    ((worst_then,),) = typed.sql("2024", "SELECT 100 * avg((Parks IN ('D','E'))::INT) FROM counted WHERE Parks <> ''")
    assert close(rows["parks", "pct_change", "4", None, None], worst_now - worst_then, most=0.1)
    averages = [
        typed.sql(w, "SELECT avg(try_cast(Years AS DOUBLE)) FROM counted WHERE try_cast(Years AS DOUBLE) BETWEEN 0 AND 80")
        for w in ALL
    ]  # fmt: skip
    assert close(rows["years", "mean_change", None, None, None], averages[1][0][0] - averages[0][0][0], most=0.05)
    card = verify(typed.releases["2026"]).card
    named = [step for step in card.expert.accounting.post_processing if typed.releases["2024"].name in step]
    assert len(named) == 1


def test_the_report_shows_each_question_once_and_what_it_is_compared_with(typed: Typed) -> None:
    page = (typed.releases["2026"] / "report.html").read_text()
    articles = re.findall(r'<article class=q id="q-([a-z_]+)"', page)
    assert sorted(articles) == ["parks", "parks_matter", "top", "wishes", "years"]
    for words in ("Positive: against National, 2025", "Positive: change since 2024", "Mean: change since 2024", "Trees: Ranked first",
                  "25 % are at or below", "What matters, and how well it is done"):  # fmt: skip
        assert words in page, words
    ranking = page.split('id="q-top"', 1)[1].split("</article>", 1)[0]
    assert "calibrated" not in ranking and "Roads (1)" not in ranking


def test_a_release_that_stands_needs_no_other_wave(typed: Typed) -> None:
    away = typed.workspace.root / "away"
    typed.releases["2024"].rename(away)
    try:
        assert typed.release("2026") == typed.releases["2026"]
    finally:
        away.rename(typed.releases["2024"])


def test_a_policy_may_believe_what_an_earlier_release_learned(typed: Typed) -> None:
    policy = typed.waves["2026"].folder / "policy.yaml"
    text = policy.read_text()
    given = re.search(r"prior: \{interaction: \S+\}", text)
    assert given is not None
    learned = verify(typed.releases["2024"]).card.expert.belief
    assert learned is not None and learned.from_release is None and learned.interaction_learned is not None
    believing = text.replace(given.group(), f"prior: {{from_release: {typed.releases['2024'].name}}}")
    policy.write_text(believing.replace("spend: {rho: 200000", "spend: {rho: 50000"))
    try:
        card = verify(typed.release("2026")).card
    finally:
        policy.write_text(text)
    assert card.expert.belief is not None
    assert card.expert.belief.from_release == typed.releases["2024"].name
    assert card.expert.belief.interaction_believed == pytest.approx(learned.interaction_learned, abs=1e-5)
    assert any(typed.releases["2024"].name in step for step in card.expert.accounting.post_processing)


def test_two_releases_of_a_wave_are_told_apart_by_their_id(typed: Typed) -> None:
    """Nothing is charged by a refusal, and naming the release resolves it."""
    for wave in ALL:  # another plan each
        policy = typed.waves[wave].folder / "policy.yaml"
        policy.write_text(policy.read_text().replace("min_expected_base: 0", "min_expected_base: 1"))
    text = (typed.waves["2026"].folder / "survey.yaml").read_text()
    second = typed.release("2024")
    spent = len(Ledger.open(typed.workspace).state().crossings)
    with pytest.raises(DeclarationFault) as caught:
        typed.release("2026")
    assert caught.value.code == "trend_release_ambiguous"
    assert len(Ledger.open(typed.workspace).state().crossings) == spent
    for name, code in ((second.name, None), ("0" * 32, "trend_release_missing")):
        named = text.replace("question: parks_then,", f"question: parks_then, release: {name},").replace(
            '"2024": years}', f'"2024": {{question: years, release: {name}}}}}'
        )
        (typed.waves["2026"].folder / "survey.yaml").write_text(named)
        if code is None:
            assert typed.release("2026") != typed.releases["2026"]
            continue
        with pytest.raises(DeclarationFault) as caught:
            typed.release("2026")
        assert caught.value.code == code
    (second / "summary.parquet").write_bytes(b"changed")
    (typed.waves["2026"].folder / "survey.yaml").write_text(
        text.replace("question: parks_then,", f"question: parks_then, release: {second.name},")
    )
    with pytest.raises(IntegrityFault):
        typed.release("2026")
