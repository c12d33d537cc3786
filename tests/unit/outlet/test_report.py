import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.outlet.charts import PERCENT, Scale, margin_words, position, value_words
from pipelines.outlet.publish import publish
from pipelines.outlet.report import render_report, report_from_folder
from pipelines.outlet.verify import verify
from schemas.attributes import attributes_of
from schemas.errors import IntegrityFault
from tests.outlet_sample import MARKUP, Sample, make_sample

_VOID = {"meta", "br", "link", "img", "input", "hr"}


class _Page(HTMLParser):
    """Checks nesting and collects tags, ids and links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(published: Path) -> str:
    return (published / "report.html").read_text()


def test_the_folder_gives_the_published_page(published: Path, page: str) -> None:
    assert report_from_folder(published) == page


def test_a_missing_table_is_named(published: Path, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes((published / "card.json").read_bytes())
    with pytest.raises(IntegrityFault, match=r"estimates\.parquet"):
        report_from_folder(tmp_path)


def test_page_is_well_formed_and_needs_nothing_else(page: str) -> None:
    parsed = _Page(page)
    names = {tag for tag, _ in parsed.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "svg"}
    attributes = {name for _, attrs in parsed.tags for name in attrs}
    assert not attributes & {"src", "srcset", "onclick", "onload", "action"}
    assert all(attrs["href"].startswith("#") for tag, attrs in parsed.tags if tag == "a" and attrs["href"])
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert "default-src 'none'" in page


def test_links_lead_somewhere_and_ids_are_unique(page: str) -> None:
    parsed = _Page(page)
    ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {(attrs["href"] or "")[1:] for tag, attrs in parsed.tags if tag == "a"}
    assert targets <= set(ids)
    labelled = {attrs["aria-labelledby"] for _, attrs in parsed.tags if "aria-labelledby" in attrs}
    assert labelled <= set(ids)


def test_headings_step_down_one_at_a_time_and_tables_are_named(page: str) -> None:
    parsed = _Page(page)
    assert parsed.headings[0] == 1
    assert parsed.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(parsed.headings, parsed.headings[1:], strict=False))
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("table") == tags.count("caption")
    assert all("scope" in attrs for tag, attrs in parsed.tags if tag == "th")


def test_labels_are_escaped(page: str) -> None:
    assert MARKUP not in page
    assert "<b>the</b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_numbers_are_shown_without_false_precision(page: str) -> None:
    shown = re.findall(r"<b>([^<]*)</b><span>([^<]*)</span>", page)
    assert shown
    for value, margin in shown:
        assert re.fullmatch(r"\d{1,3}%|[+−]?\d{1,3}|[+−]?\d+\.\d", value), value
        assert re.fullmatch(r"± (\d+|\d+\.\d)", margin), margin
        assert margin not in ("± 0", "± 0.0")


def test_everything_a_reader_is_promised_is_there(page: str, sample: Sample) -> None:
    result = verify_card = sample.context
    for words in (
        "Riverbend Community Survey", "In brief", "Most positive", "Least positive", "Indices", "All questions", "Who answered",
        "What was protected, and how", "If someone thought the odds were 50:50", "Privacy loss, spent and left", "all time", "Methodology",
        "Check this release yourself", "Margin of error", "margin too wide", "no information beyond the overall result", "Asked of:",
    ):  # fmt: skip
        assert words in page, words
    assert result.charge.release_id in page
    assert verify_card.sealed.hash in page


def test_unpublishable_figures_are_grey_and_say_why(page: str) -> None:
    rows = re.findall(r"<tr class=g>.*?</tr>", page)
    assert rows
    assert all(re.search(r"<td class=n>[^<]+</td>", row) for row in rows)


def test_differences_are_said_of_publishable_figures_only(page: str) -> None:
    assert all("than everybody" not in row for row in re.findall(r"<tr class=g>.*?</tr>", page))


def test_what_knows_nothing_shows_no_number(published: Path) -> None:
    found = verify(published)
    silent = {row["group_attribute"] for row in found.summary.to_pylist() if row["reason"] == "no_information"}
    assert silent == {"gender", "children"}
    page = report_from_folder(published)
    article = page[page.index('id="q-item_0"') : page.index('id="q-item_1"')]
    assert "Not shown, no information beyond the overall result: Gender, Children at home." in article
    assert "Woman" not in article


def _page_of(sample: Sample) -> str:
    from pipelines.outlet.card import build_card
    from pipelines.outlet.parquet import estimates_table, summary_table

    attributes = {a.id: a for a in sample.context.attributes}
    estimates = estimates_table(sample.context.plan, attributes, sample.estimates)
    return render_report(
        build_card(sample.context, sample.estimates), estimates, summary_table("s", "w", sample.summary)
    )


def test_labels_in_another_language_than_the_sentences_around_them_are_marked() -> None:
    page = _page_of(make_sample(ratings=3, people=90, language="so"))
    assert '<html lang="en">' in page
    assert '<h1><span lang="so">Riverbend Community Survey</span></h1>' in page
    assert "Where groups differ" in page


def test_a_survey_in_one_shipped_language_has_the_page_in_that_language_alone() -> None:
    page = _page_of(make_sample(ratings=3, people=90, language="es-MX"))
    assert '<html lang="es">' in page
    assert "<h1>Riverbend Community Survey</h1>" in page
    assert "En qué difieren los grupos" in page
    assert "Where groups differ" not in page
    assert "<fieldset" not in page


def test_a_release_with_nothing_publishable_still_reads(published: Path) -> None:
    found = verify(published)
    names = found.summary.column_names
    columns = {name: found.summary.column(name) for name in names}
    size = found.summary.num_rows
    columns |= {"publishable": pa.array([False] * size), "reason": pa.array(["margin"] * size)}
    page = render_report(found.card, found.estimates, pa.table({name: columns[name] for name in names}))
    assert "In brief" not in page
    assert "0 of" in page
    _Page(page)


def test_an_empty_summary_still_reads(published: Path) -> None:
    found = verify(published)
    _Page(render_report(found.card, found.estimates, found.summary.slice(0, 0)))


@pytest.mark.parametrize(
    ("value", "unit", "scale", "words"),
    [
        (55.5, "percent", PERCENT, "56%"),
        (99.7, "percent", PERCENT, "100%"),
        (-0.3, "points", PERCENT, "0"),
        (12.4, "points", PERCENT, "+12"),
        (7.449, "score", Scale(0, 10), "7.4"),
        (0.456, "score", Scale(0, 1), "0.46"),
    ],
)
def test_values_in_words(value: float, unit: str, scale: Scale, words: str) -> None:
    assert value_words(value, unit, scale) == words


def test_positions_stay_on_the_axis() -> None:
    assert position(-5, PERCENT) == "0"
    assert position(250, PERCENT) == "100"
    assert position(float("inf"), PERCENT) == "100"
    assert position(1, Scale(3, 3)) == "0"
    assert margin_words(0.0, "percent") == "± 1"


@pytest.mark.slow
def test_the_largest_surveys_stay_small_and_quick(tmp_path: Path) -> None:
    import time

    sample = make_sample(ratings=190, people=600)
    publish(tmp_path / "r", sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    assert (tmp_path / "r" / "report.html").stat().st_size < 6_000_000
    began = time.process_time()  # of this process: other work on the machine does not count
    report_from_folder(tmp_path / "r")
    assert time.process_time() - began < 4


def test_differences_beyond_their_margin_are_named_and_no_others(page: str, published: Path) -> None:
    section = page[page.index('<h2 id="differences">') : page.index('<h2 id="indices">')]
    shown = re.findall(r"<b>([+−][\d.]+)</b><span>± ([\d.]+)</span>", section)
    assert shown
    for value, margin in shown:
        assert abs(float(value.replace("−", "-"))) >= float(margin) - 0.1, "each is rounded to a tenth"
    figures = [row for row in verify(published).summary.to_pylist() if row["group"] is not None and row["publishable"]]
    assert 0 < len(shown) < len(figures)


def _with_rows(table: pa.Table, rows: list[dict[str, object]]) -> pa.Table:
    return pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])


def test_released_differences_decide_over_intervals(published: Path) -> None:
    found = verify(published)
    rows = found.summary.to_pylist()
    group = next(
        r for r in rows if r["statistic"] == "pct_positive" and r["group"] and r["publishable"] and not r["weighted"]
    )
    for low, named in ((1.0, True), (-1.0, False)):
        released = dict(
            group,
            statistic="pct_positive_difference",
            unit="points",
            value=4.0,
            low=low,
            high=8.0 - low,
            moe=4.0 - low,
            significant=named,
        )
        others = [dict(r, publishable=False, reason="margin") for r in rows if r["group"] and r != group]
        kept = [r for r in rows if not r["group"]] + [group, *others, released]
        page = render_report(found.card, found.estimates, pa.Table.from_pylist(kept, schema=found.summary.schema))
        section = page[page.index('<h2 id="differences">') : page.index('<h2 id="results"')]
        assert ("<b>+4</b><span>± 3</span>" in section) is named
        assert (page.count("▲ higher than everybody") == 1) is named
        assert ("None of the 1 publishable figures" in section) is not named


def test_statistics_of_later_versions_are_shown_and_break_nothing(published: Path) -> None:
    found = verify(published)
    lead = next(
        r
        for r in found.summary.to_pylist()
        if r["subject"] == "item_0" and r["statistic"] == "pct_positive" and not r["group"]
    )
    later = [
        dict(lead, statistic="pct_positive_trend", option="2023", unit="points", value=6.0, low=2.0, high=10.0, moe=4.0),
        dict(lead, statistic="benchmark_gap", option=None, unit="points", value=-1.0, low=-5.0, high=3.0, moe=4.0),
        dict(lead, statistic="mean_rank", option="1", unit="score", value=2.0, low=1.8, high=2.2, moe=0.2),
        dict(lead, statistic="share", unit="zloty", value=None, low=None, high=None, moe=None, publishable=False, reason="later"),
        dict(lead, statistic="median", group_attribute="nobody", group="x"),
        dict(lead, statistic="median", subject="no_such_question"),
    ]  # fmt: skip
    page = render_report(found.card, found.estimates, _with_rows(found.summary, later))
    _Page(page)
    article = page[page.index('id="q-item_0"') : page.index('id="q-item_1"')]
    for words in ("2023: Per cent positive trend", "<b>+6</b>", "▲ higher, beyond its margin", "Benchmark gap", "no more than chance",
                  "Excellent: Mean rank", "later"):  # fmt: skip
        assert words in article, words


def test_the_page_holds_every_language_of_the_survey_and_marks_each() -> None:
    from pipelines.outlet.card import build_card
    from pipelines.outlet.parquet import estimates_table, summary_table

    sample = make_sample(ratings=3, people=90)
    survey = sample.context.survey
    quality = survey.questions[0].model_copy(update={"text": {"en": "Quality of life", "es": "Calidad <de> vida"}})
    told = survey.model_copy(
        update={"title": {"en": "Community Survey", "es": "Encuesta"}, "questions": (quality, *survey.questions[1:])}
    )
    attributes = attributes_of(told)
    context = replace(sample.context, survey=told, attributes=attributes)
    card = build_card(context, sample.estimates)
    page = render_report(
        card,
        estimates_table(context.plan, {a.id: a for a in attributes}, sample.estimates),
        summary_table("s", "w", sample.summary),
    )
    _Page(page)
    first, second = page.split('<div class="edition l-es" lang="es">')
    assert '<h4 id="q-item_0-t">Quality of life</h4>' in first
    assert '<h4 id="es-q-item_0-t">Calidad &lt;de&gt; vida</h4>' in second
    assert "<h1>Community Survey</h1>" in first
    assert "<h1>Encuesta</h1>" in second
    assert '<h4 id="es-q-item_1-t"><span lang="en">As a place to raise children</span></h4>' in second
    assert re.search(r"\d%", first)
    assert re.search("\\d\u00a0%", second)
    assert '<input type=radio name=language id="in-es">' in page
    assert "<title>Community Survey 2026</title>" in page
    assert not re.search(r'aria-label="[^"]*<', page)
    targets = set(re.findall(r'<a [^>]*href="#([^"]+)"', second))
    assert targets
    assert all(target.startswith("es-") for target in targets)


def test_changes_and_gaps_beyond_chance_are_listed_together_and_lead_to_their_questions(published: Path) -> None:
    found = verify(published)
    leads = {
        r["subject"]: r
        for r in found.summary.to_pylist()
        if r["statistic"] == "pct_positive" and not r["group"] and not r["weighted"]
    }
    told = {"unit": "points", "moe": 2.0, "publishable": True, "reason": ""}
    later = [
        dict(leads["item_0"], statistic="pct_positive_change", value=-6.0, low=-8.0, high=-4.0, compared_with="2023", significant=True, **told),
        dict(leads["item_1"], statistic="pct_positive_benchmark_gap", value=9.0, low=7.0, high=11.0, compared_with="National", significant=True, **told),
        dict(leads["item_2"], statistic="pct_positive_change", value=1.0, low=-1.0, high=3.0, compared_with="2023", significant=False, **told),
    ]  # fmt: skip
    plain = render_report(found.card, found.estimates, found.summary)
    assert 'id="compared"' not in plain
    page = render_report(found.card, found.estimates, _with_rows(found.summary, later))
    _Page(page)
    section = page[page.index('<h2 id="compared">') : page.index('<h2 id="indices">')]
    assert re.findall(r'<a href="#q-(\w+)">', section) == ["item_1", "item_0"]
    for words in ("<b>+9</b>", "Positive: against National", "▲ higher, beyond chance", "<b>−6</b>", "▼ lower, beyond chance"):  # fmt: skip
        assert words in section, words


def test_without_favourable_answers_the_page_leads_with_means_on_their_scales(published: Path) -> None:
    found = verify(published)
    rows = [r for r in found.summary.to_pylist() if not r["statistic"].startswith("pct_positive")]
    page = render_report(found.card, found.estimates, pa.Table.from_pylist(rows, schema=found.summary.schema))
    _Page(page)
    section = page[page.index('<h2 id="brief">') : page.index('<h2 id="differences">')]
    assert "highest on its scale (mean" in section
    assert "positive about" not in section
    places = [float(at) for at in re.findall(r"--v:([\d.]+);", section)]
    half = len(places) // 2
    assert places[:half] == sorted(places[:half], reverse=True)
    assert places[half:] == sorted(places[half:])
    assert min(places[:half]) >= max(places[half:])
