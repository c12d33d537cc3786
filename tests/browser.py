"""A page in Chromium that remembers every request and every complaint of the console, and keeps its screenshots.

Screenshots are outputs of the tests, to be looked at: HEARSAFE_SCREENSHOTS, else test-output/screenshots.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SCREENSHOTS = Path(os.environ.get("HEARSAFE_SCREENSHOTS", ROOT / "test-output" / "screenshots"))


@dataclass
class Watched:
    """A page, the addresses it asked for, and what its console said in anger."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def keep(self, name: str, **options: Any) -> Path:
        """A screenshot of the whole page, or of what `options` say."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=str(path), **({"full_page": True} | options))
        assert path.stat().st_size > 0
        return path

    def external(self, *allowed: str) -> list[str]:
        """Requests that went elsewhere than to addresses with these beginnings."""
        harmless = ("data:", "blob:", *allowed)
        return [url for url in self.requests if not url.startswith(harmless)]

    def violations(self) -> str:
        """What axe finds against WCAG 2.2 A and AA and its own best practices; empty where it finds nothing."""
        return "\n".join(f"{rule}: {where}" for rule, where in self.violating())

    def violating(self) -> list[tuple[str, str]]:
        """The same, one (rule, selector and markup) an element."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright")
        found = axe.Axe().run(self.page).response["violations"]
        return [(rule["id"], f"{node['target']} {node['html']}") for rule in found for node in rule["nodes"]]


@contextmanager
def chromium_page(chromium: Path, **context: Any) -> Iterator[Watched]:
    """A new page in a new browser; `context` are Playwright's options of a browser context."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        try:
            watched = Watched(browser.new_context(**context).new_page())
            watched.page.on("request", lambda request: watched.requests.append(request.url))
            watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
            watched.page.on(
                "console",
                lambda said: watched.complaints.append(said.text) if said.type == "error" else None,
            )
            yield watched
        finally:
            browser.close()
