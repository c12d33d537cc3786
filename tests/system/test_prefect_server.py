"""A real Prefect server on loopback with a worker: deployments, a crash and a restart, a secret, a cap nearly used.

And `hearsafe serve`, with a server of its own and a run by the clock. Prefect keeps nothing that was not released.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from pipelines.ledger.store import Ledger
from pipelines.workspace import open_workspace
from tests.browser import chromium_page
from tests.servers import free_port, started
from tests.system.city import POLICY, SURVEY, City, build_city
from tests.system.command import ROOT, hearsafe
from tests.system.sweep import sweep

pytestmark = [
    pytest.mark.extended,
    pytest.mark.slow,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("default"),
]

PYTHON = Path(sys.executable)
QUIET = {
    "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false", "NO_COLOR": "1",
}  # fmt: skip


def _until(ready: Callable[[], Any], seconds: float, step: float = 0.3) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(step)
    raise AssertionError("it did not happen in time")


def _answered(request: Request) -> Any:
    """The server's answer. While its database is locked it says 503, and its own clients try again, too."""
    for _ in range(20):
        try:
            return urlopen(request, timeout=30)
        except HTTPError as refused:
            if refused.code != 503:
                raise
            time.sleep(1)
    return urlopen(request, timeout=30)


@dataclass
class Server:
    """The API of a Prefect server, and the environment of its clients."""

    api: str
    home: Path
    env: dict[str, str]

    def post(self, path: str, body: object) -> Any:
        request = Request(self.api + path, json.dumps(body).encode(), {"content-type": "application/json"})
        with _answered(request) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        with _answered(Request(self.api + path)) as answer:
            return json.load(answer)

    def healthy(self) -> bool:
        try:
            return self.get("/health") is True
        except (URLError, OSError):
            return False

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            [PYTHON, "-m", "prefect", *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def runs(self, name: str = "") -> list[dict[str, Any]]:
        runs = self.post("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC"})
        return [run for run in runs if run["parent_task_run_id"] is None and name in run["name"]]

    def ended(self, run_id: str) -> dict[str, Any]:
        final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

        def look() -> dict[str, Any] | None:
            run = self.get(f"/flow_runs/{run_id}")
            return run if run["state_type"] in final else None

        return _until(look, 400, 0.5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home, port = tmp_path_factory.mktemp("prefect-home"), free_port()
    api = f"http://127.0.0.1:{port}/api"
    env = {**os.environ, **QUIET, "PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml")}
    command = (str(PYTHON), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with started(command, home / "server.log", {**env, "PREFECT_UI_API_URL": api}, ROOT):
        made = Server(api, home, {**env, "PREFECT_API_URL": api})
        _until(made.healthy, 300)
        yield made


def _deploy(server: Server, city: City, workspace: Path) -> str:
    server.prefect("work-pool", "create", "zone", "--type", "process")
    server.prefect("work-pool", "set-concurrency-limit", "zone", "1")
    server.env |= {
        "HEARSAFE_HOME": str(ROOT), "HEARSAFE_DIR": str(city.folder), "HEARSAFE_WORKSPACE": str(workspace),
        "HEARSAFE_EXPORTS": str(city.folder),
    }  # fmt: skip
    server.prefect("--no-prompt", "deploy", "--all")
    subprocess.run([PYTHON, "-m", "flows.automations"], cwd=ROOT, env=server.env, check=True, timeout=120)
    (found,) = [d for d in server.post("/deployments/filter", {}) if d["name"] == "weekly"]
    assert found["schedules"][0]["schedule"]["cron"] == "0 6 * * 1"
    assert found["schedules"][0]["schedule"]["timezone"] == "Europe/Paris"
    assert found["global_concurrency_limit"]["limit"] == 1
    return found["id"]


def _start(server: Server, deployment: str, city: City, workspace: Path) -> str:
    parameters = {
        "workspace": str(workspace), "directory": str(city.folder), "sources": [f"web={city.export}"],
        "contacts": str(city.contacts), "key_source": "prefect:zone-key",
    }  # fmt: skip
    return server.post(f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]


def _kinds(workspace: Path) -> list[str]:
    if not (workspace / "ledger" / "ledger.sqlite").exists():
        return []
    return [event.kind.value for event in Ledger.open(open_workspace(workspace)).events()]


def test_a_worker_crashes_restarts_and_leaves_only_what_was_released(
    server: Server, chromium: Path, tmp_path: Path
) -> None:
    city, workspace, key = build_city(tmp_path / "city", 1500), tmp_path / "workspace", secrets.token_hex(32)
    deployment = _deploy(server, city, workspace)
    subprocess.run(
        [PYTHON, "-c", "import sys; from prefect.blocks.system import Secret; Secret(value=sys.stdin.read()).save('zone-key')"],
        input=key, text=True, cwd=ROOT, env=server.env, check=True, timeout=120,
    )  # fmt: skip
    worker = (str(PYTHON), "-m", "prefect", "worker", "start", "--pool", "zone", "--limit", "1")
    with started(worker, server.home / "worker.log", server.env, ROOT):
        first = _start(server, deployment, city, workspace)
        pid = int(_until(lambda: server.get(f"/flow_runs/{first}")["infrastructure_pid"], 400, 0.2).rpartition(":")[2])
        _until(lambda: "CHARGED" in _kinds(workspace), 400, 0.02)
        os.kill(pid, signal.SIGKILL)
        assert server.ended(first)["state_type"] == "CRASHED"

        second = server.ended(_start(server, deployment, city, workspace))
        assert second["state_type"] == "COMPLETED", second["state"]
        kinds = _kinds(workspace)
        assert 1 <= kinds.count("CHARGED") <= 2
        assert kinds.count("PUBLISHED") == 1
        assert not list(workspace.rglob("zone.key")), "the zone key was in the Secret block alone"

        third = server.ended(_start(server, deployment, city, workspace))
        assert third["state_type"] == "COMPLETED"
        assert _kinds(workspace).count("CHARGED") == kinds.count("CHARGED"), "running again is free"

        tight = build_city(tmp_path / "tight", 900)
        policy = POLICY.replace("year: {epsilon: 8}", "year: {epsilon: 2.1}").replace(
            "wave: {epsilon: 6}", "wave: {epsilon: 2.1}"
        )
        tight.declare(SURVEY.replace("testville", "tightville"), policy.replace("testville", "tightville"))
        last = server.ended(_start(server, deployment, tight, tmp_path / "tight-workspace"))
        assert last["state_type"] == "COMPLETED", last["state"]
        _until(lambda: server.get(f"/deployments/{deployment}")["paused"], 60)

        refused = server.ended(
            _start(server, deployment, City(tmp_path, tmp_path / "none.csv", city.contacts), workspace)
        )
        assert refused["state_type"] == "FAILED"
        assert "survey.yaml or policy.yaml is wrong" in refused["state"]["message"]

    artifacts = {artifact["key"]: artifact for artifact in server.post("/artifacts/filter", {})}
    assert {"release-testville", "headlines-testville", "report-testville", "budget-year-testville-adults"} <= set(
        artifacts
    )
    rows = json.loads(artifacts["headlines-testville"]["data"])
    assert {"Quality of life", "Safety"} <= {row["question"] for row in rows}
    assert re.fullmatch(r"\d+%", next(row["value"] for row in rows if row["question"] == "Safety"))
    _looked_at(server, second["id"], chromium)
    assert sweep([server.home], [*city.canaries, *tight.canaries, key]) == []


def _looked_at(server: Server, run_id: str, chromium: Path) -> None:
    """A person opens the run: what happened when, and what came out."""
    base = server.api.removesuffix("/api")
    with chromium_page(chromium, viewport={"width": 1400, "height": 1000}) as watched:
        watched.page.goto(f"{base}/runs/flow-run/{run_id}")
        watched.page.get_by_text("Completed", exact=True).first.wait_for(timeout=60_000)
        watched.page.wait_for_timeout(4000)
        watched.keep("prefect-run", full_page=False)
        watched.page.get_by_text("Artifacts", exact=True).last.click()
        watched.page.get_by_text("headlines-testville").last.wait_for(timeout=30_000)
        watched.keep("prefect-artifacts", full_page=False)
        assert watched.external(base, base.replace("http", "ws")) == []


def _serve(city: City, workspace: Path, *, port: int) -> list[str]:
    return [
        str(PYTHON), "-m", "flows.command_line", "serve", str(city.folder), "--cron", "* * * * *", "--timezone", "Europe/Paris",
        "--source", f"web={city.export}", "--contacts", str(city.contacts), "--workspace", str(workspace), "--port", str(port),
    ]  # fmt: skip


def test_serve_runs_by_the_clock(tmp_path: Path) -> None:
    """Prefect 3.8's scheduler needs SQLAlchemy 2.0: with another one `serve` says so instead of never running."""
    city, workspace, port = build_city(tmp_path / "city", 900), tmp_path / "workspace", free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = _serve(city, workspace, port=port)
    if version("sqlalchemy") >= "2.1":
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout) == (2, "")
        assert "scheduler does not work with the SQLAlchemy" in done.stderr
        return
    with started(command, tmp_path / "serve.log", env, ROOT) as process:
        _until(lambda: list(workspace.glob("releases/*/*/*/MANIFEST.json")) or process.poll() is not None, 600, 1)
        served = Server(f"http://127.0.0.1:{port}/api", workspace / "prefect", env)
        (run,) = _until(lambda: [r for r in served.runs() if r["state_type"] == "COMPLETED"][:1], 60)
        assert run["auto_scheduled"]
        assert run["name"].startswith("city 2")
    assert (
        (tmp_path / "serve.log")
        .read_text()
        .startswith(f"http://127.0.0.1:{port} serves testville: * * * * * (Europe/Paris)")
    )
    _until(lambda: not served.healthy(), 30)
    assert sweep([workspace / "prefect"], city.canaries) == []


@pytest.mark.parametrize(
    ("option", "value", "code"), [("--cron", "every monday", "cron"), ("--timezone", "Mars/Olympus", "timezone")]
)
def test_a_schedule_that_is_none_is_refused_at_once(tmp_path: Path, option: str, value: str, code: str) -> None:
    city = build_city(tmp_path / "city", 10)
    given = {"--cron": "0 6 * * 1", "--timezone": "UTC"} | {option: value}
    words = [word for pair in given.items() for word in pair]
    done = hearsafe("serve", ".", "--source", "export.csv", *words, cwd=city.folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"error: {option}: this ")
