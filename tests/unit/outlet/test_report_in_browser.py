"""What only a browser can tell: no request leaves the page, nothing overflows a phone, axe finds nothing, it prints."""

import re
from pathlib import Path

import pytest

from pipelines.outlet.publish import publish
from tests.browser import SCREENSHOTS, chromium_page
from tests.outlet_sample import make_sample

pytestmark = [pytest.mark.needs_chromium, pytest.mark.slow, pytest.mark.filterwarnings("default")]

PHONE, DESK = {"width": 360, "height": 800}, {"width": 1280, "height": 900}


def _open(report: Path, tmp_path: Path) -> Path:
    """The report with every fold open, so that all of it is looked at."""
    opened = tmp_path / "report.html"
    opened.write_text(re.sub(r"<details\b", "<details open", report.read_text()))
    return opened


def test_report_on_a_phone(published: Path, chromium: Path, tmp_path: Path) -> None:
    opened = _open(published / "report.html", tmp_path)
    with chromium_page(chromium, color_scheme="light", bypass_csp=True, viewport=PHONE) as watched:
        watched.page.goto(opened.as_uri())
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert watched.requests == [opened.as_uri()]
        assert watched.violations() == ""
        assert watched.complaints == []
        watched.keep("report-phone-light", full_page=False)


@pytest.mark.extended
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("wide", [PHONE, DESK])
def test_report_on_every_screen(
    published: Path, chromium: Path, tmp_path: Path, scheme: str, wide: dict[str, int]
) -> None:
    opened = _open(published / "report.html", tmp_path)
    with chromium_page(chromium, color_scheme=scheme, bypass_csp=True, viewport=wide) as watched:
        watched.page.goto(opened.as_uri())
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= wide["width"]
        assert watched.requests == [opened.as_uri()]
        assert watched.violations() == ""
        assert watched.complaints == []
        watched.keep(f"report-{wide['width']}-{scheme}")


@pytest.mark.extended
@pytest.mark.parametrize(("scheme", "wide"), [("light", DESK), ("dark", PHONE)])
def test_every_edition_is_accessible(chromium: Path, tmp_path: Path, scheme: str, wide: dict[str, int]) -> None:
    sample = make_sample(ratings=4, people=700, languages=("es", "fr", "so"))
    folder = tmp_path / "release"
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    opened = _open(folder / "report.html", tmp_path)
    with chromium_page(chromium, color_scheme=scheme, bypass_csp=True, viewport=wide) as watched:
        watched.page.goto(opened.as_uri())
        for tag in ("en", "es", "fr", "so"):
            watched.page.check(f"#in-{tag}")
            assert watched.violations() == "", tag
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= wide["width"]
            watched.keep(f"report-{tag}-{scheme}", full_page=False)
        assert watched.complaints == []


@pytest.mark.extended
def test_report_needs_no_script_speaks_its_languages_and_prints(chromium: Path, tmp_path: Path) -> None:
    sample = make_sample(ratings=4, people=700, languages=("en", "es"))
    folder = tmp_path / "release"
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    with chromium_page(chromium, java_script_enabled=False, viewport=DESK) as watched:
        page = watched.page
        page.goto((folder / "report.html").as_uri())
        english, spanish = page.get_by_text("Overall quality of life"), page.get_by_text("es: Overall quality of life")
        heading = page.locator("#q-item_0-t")
        assert heading.inner_text() == "Overall quality of life"
        assert english.count() and spanish.count()
        page.get_by_label("Español").check()
        assert not heading.is_visible()
        assert page.locator("#es-q-item_0-t").inner_text() == "es: Overall quality of life"
        assert page.locator("h1:visible").all_inner_texts() == ["es: Riverbend Community Survey"]
        assert page.get_by_role("heading", name="En qué difieren los grupos").is_visible()
        assert not page.get_by_text("Where groups differ").is_visible()
        watched.keep("report-spanish", full_page=False)
        page.locator("#es-q-item_0 summary").first.click()
        assert page.locator("#es-q-item_0 details").first.get_attribute("open") is not None
        printed = page.pdf(format="A4", prefer_css_page_size=True)
        (SCREENSHOTS / "report-print.pdf").write_bytes(printed)
        assert 4 <= printed.count(b"/Type /Page\n") <= 40
        assert watched.requests == [(folder / "report.html").as_uri()]
        assert watched.complaints == []
