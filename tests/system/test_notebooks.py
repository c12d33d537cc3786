"""The three marimo apps: they run without a browser, know nothing of the zone, and in a browser do what they say."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.declarations import load_declarations
from pipelines.ledger.approvals import new_officer_key
from pipelines.outlet.publish import publish
from tests.browser import Watched, chromium_page
from tests.conftest import ROOT
from tests.outlet_sample import make_sample

pytest.importorskip("marimo")

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
RIVERBEND = ROOT / "pipelines" / "riverbend"


MARIMO = {
    ("button-name", 'aria-haspopup="menu"'): "the menu of the page is an icon without a name",
    ("button-name", ".mb-0"): "so is the button that folds the sidebar on a wide screen",
    ("button-name", 'aria-haspopup="dialog"'): "and the one that opens it on a phone",
    ("region", "25vh"): "the outline of the headings floats outside of every landmark",
}
"""What axe finds in marimo 0.25's own frame, which an app cannot change: (rule, what its element is known by) → why."""

SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 3400}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 3400}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 2600}},
}


def _accessible(address: str, heading: str, chromium: Path, name: str) -> set[tuple[str, str]]:
    """Look at an app on every screen: nothing of ours violates a rule. Returns: which of marimo's own were met."""
    met: set[tuple[str, str]] = set()
    for screen, options in SCREENS.items():
        with chromium_page(chromium, **options) as watched:
            _reach(watched, address)
            watched.page.get_by_role("heading", name=heading).wait_for(timeout=60_000)
            watched.page.locator("marimo-vega svg, marimo-vega canvas").first.wait_for(timeout=30_000)
            watched.page.wait_for_timeout(2000)
            watched.keep(f"{name}-{screen}", full_page=False)
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
            assert watched.page.locator("main h1").count() == 1
            for rule, where in watched.violating():
                known = [key for key in MARIMO if key[0] == rule and key[1] in where]
                assert known, (screen, rule, where)
                met.update(known)
            assert watched.external("http://127.0.0.1:", "ws://127.0.0.1:") == []
            assert watched.complaints == []
    return met


def _reach(watched: Watched, address: str) -> None:
    for _ in range(100):
        try:
            watched.page.goto(address)
        except Exception:  # noqa: BLE001  (the server is not up yet)
            watched.page.wait_for_timeout(300)
        else:
            return


def _notebook(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "notebooks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(name: str, **places: Any) -> Mapping[str, Any]:
    return _notebook(name).app.run(defs=places)[1]


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Riverbend's declarations, with an officer of their own."""
    folder = tmp_path_factory.mktemp("city") / "riverbend"
    folder.mkdir()
    officer = new_officer_key(folder.parent / "officer.key")
    for name in ("survey.yaml", "policy.yaml"):
        text = (RIVERBEND / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("ed25519:" + 64 * "0", officer), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explored")
    sample = make_sample(ratings=6, people=893, sd=6.0)
    folder = root / "releases" / "riverbend-sample" / "2026" / sample.context.charge.release_id
    folder.parent.mkdir(parents=True)
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    return root


@pytest.mark.filterwarnings("default")
def test_the_officers_app_runs_without_a_browser(declared: Path, tmp_path: Path) -> None:
    found = _run("tune_budget", start=declared, workspace=tmp_path / "none", named_policy=None, witness=None)
    assert found["plan"].epsilon == pytest.approx(2, abs=1e-3)
    assert found["different"] == ()
    assert len(found["forecasts"]) == len(found["plan"].published)
    assert not (tmp_path / "none").exists()


@pytest.mark.filterwarnings("default")
def test_the_analysts_apps_run_without_a_browser(released: Path) -> None:
    found = _run("explore_release", place=released)
    assert len(found["every"]) == 1
    assert [row.name for row in found["rows"]] == ["Everybody"]
    lesson = _run("how_the_noise_works")
    assert lesson["two"].most > 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_app_imports_the_zone_or_the_intake(path: Path) -> None:
    """Nor DuckDB, nor Prefect: in a process of its own, with every import of its first cell done."""
    script = (
        "import ast, sys\n"
        f"source = open({str(path)!r}, encoding='utf-8').read()\n"
        "for node in ast.walk(ast.parse(source)):\n"
        "    if isinstance(node, ast.Import | ast.ImportFrom):\n"
        "        exec(ast.unparse(node))\n"
        "known = ('pipelines.zone', 'pipelines.intake', 'duckdb', 'prefect')\n"
        "found = sorted(m for m in sys.modules if m.startswith(known))\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextmanager
def _served(*command: str) -> Iterator[str]:
    """An app's own server, and the address that it prints or is given."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def _tune(declared: Path, workspace: Path) -> tuple[str, ...]:
    verb = (sys.executable, "-m", "flows.command_line", "tune", str(declared), "--no-browser")
    return (*verb, "--workspace", str(workspace))


@contextmanager
def _tuned(declared: Path, workspace: Path, chromium: Path) -> Iterator[Watched]:
    with (
        _served(*_tune(declared, workspace)) as address,
        chromium_page(chromium, viewport={"width": 1440, "height": 1100}) as watched,
    ):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+\?access_token=[\w-]{20,}", address)
        watched.page.goto(address)
        watched.page.get_by_role("heading", name="What would become known").wait_for(timeout=60_000)
        yield watched


def _known(page: Any) -> str:
    """What the officer's app says would become known."""
    whole = page.locator("main").inner_text()
    return whole.partition("What would become known")[2].partition("Crosstabs that would know")[0]


@pytest.mark.needs_chromium
@pytest.mark.filterwarnings("default")
def test_the_officer_turns_sees_saves_reloads_and_signs(declared: Path, chromium: Path, tmp_path: Path) -> None:
    with _tuned(declared, tmp_path / "workspace", chromium) as watched:
        page = watched.page
        assert page.get_by_text("ε 2 at δ 1e-06").count() == 1
        watched.keep("tune-opened", full_page=False)
        side = page.get_by_role("complementary")
        forecast = _known(page)
        assert "publishable" in forecast
        loss = side.get_by_role("slider").first
        loss.focus()
        for _ in range(3):
            loss.press("ArrowLeft")
        page.get_by_text("ε 1 at δ 1e-06").wait_for(timeout=30_000)
        page.get_by_text("spend.epsilon").wait_for(timeout=30_000)
        assert _known(page) != forecast, "a quarter of the loss makes fewer figures publishable"
        watched.keep("tune-turned", full_page=False)
        side.get_by_role("button", name="Save policy.yaml").click()
        side.get_by_text(re.compile("^Saved ")).wait_for(timeout=30_000)
        assert load_declarations(declared).policy.spend.epsilon == 1
        assert "# what any resident can lose" in (declared / "policy.yaml").read_text(encoding="utf-8")
        page.get_by_text("Nothing is different.").wait_for(timeout=30_000)
        page.reload()
        page.get_by_text("ε 1 at δ 1e-06").wait_for(timeout=60_000)
        side.get_by_text("Not approved yet: 0 of 1 signatures given.").wait_for(timeout=30_000)
        side.get_by_label("Officer's key file").fill(str(declared.parent / "officer.key"))
        side.get_by_label("Officer's key file").press("Tab")
        side.get_by_role("button", name="Sign the plan").click()
        side.get_by_text("Approved: 1 of 1 signatures given.").wait_for(timeout=30_000)
        watched.keep("tune-signed", full_page=False)
        assert watched.external("http://127.0.0.1:", "ws://127.0.0.1:") == []
        assert watched.complaints == []


@pytest.mark.extended
@pytest.mark.needs_chromium
@pytest.mark.filterwarnings("default")
def test_without_its_token_the_officers_app_shows_nothing(declared: Path, chromium: Path, tmp_path: Path) -> None:
    with _tuned(declared, tmp_path / "workspace", chromium) as watched:
        own = watched.page.url.split("?")[0]
        stranger = watched.page.context.browser.new_context().new_page()
        stranger.goto(own)
        stranger.wait_for_timeout(1500)
        assert stranger.get_by_text("What it costs").count() == 0
        assert "auth/login" in stranger.url


@pytest.mark.extended
@pytest.mark.needs_chromium
@pytest.mark.filterwarnings("default")
def test_the_officers_app_is_accessible(declared: Path, chromium: Path, tmp_path: Path) -> None:
    with _served(*_tune(declared, tmp_path / "workspace")) as address:
        met = _accessible(address, "What would become known", chromium, "tune")
    assert met == set(MARIMO), "an exception that is not met any more has no place in the list"


@pytest.mark.needs_chromium
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("options", "name", "heading"),
    [
        ((), "explore-release", "What may be concluded"),
        (("--lesson",), "how-the-noise-works", "With you and without you"),
    ],
)
def test_the_analysts_apps_in_a_browser(
    released: Path, chromium: Path, options: tuple[str, ...], name: str, heading: str
) -> None:
    verb = (sys.executable, "-m", "flows.command_line", "explore", *options, "--no-browser")
    with _served(*verb, "--workspace", str(released)) as address:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+\?access_token=[\w-]{20,}", address)
        met = _accessible(address, heading, chromium, name)
    assert met == {key for key in MARIMO if key[1] in ('aria-haspopup="menu"', "25vh")}
