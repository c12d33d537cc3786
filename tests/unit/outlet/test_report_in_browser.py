"""What only a browser can tell: no request leaves the page, nothing overflows a phone, axe finds nothing."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.needs_chromium, pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_in_chromium(published: Path, chromium: Path, tmp_path: Path, scheme: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    opened = tmp_path / "report.html"
    opened.write_text((published / "report.html").read_text().replace("<details>", "<details open>"))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_context(
            color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 800}
        ).new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(opened.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert requests == [opened.as_uri()]
        found = axe.Axe().run(page)
        browser.close()
    assert found.violations_count == 0, found.generate_report()
