"""Fixtures that every floor shares, and the rule that CI skips nothing.

What a test needs and a machine may lack (../shared/data, Chromium, PostgreSQL, Spark, an object store, root) is skipped
by name. With
HEARSAFE_REQUIRE_ALL=1, as in .ci/run, every skip is a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.spark_cluster import Cluster

ROOT = Path(__file__).resolve().parent.parent
_REQUIRE_ALL = os.environ.get("HEARSAFE_REQUIRE_ALL") == "1"

settings.register_profile("quick", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1000)
settings.load_profile(os.environ.get("HEARSAFE_HYPOTHESIS", "quick"))


def _fail_instead_of_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if _REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"HEARSAFE_REQUIRE_ALL=1 and this was skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_instead_of_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_instead_of_skip(report)
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real surveys beside the repository (or in HEARSAFE_SHARED). Never copy a row of them."""
    shared = Path(os.environ.get("HEARSAFE_SHARED", ROOT.parent / "shared"))
    if not (shared / "data" / "README.md").is_file():
        pytest.skip("needs the real surveys in ../shared/data (or HEARSAFE_SHARED)")
    return shared / "data"


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium executable, for Playwright's `executable_path` (with `--no-sandbox`)."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium (Debian package: chromium)")
    return Path(found)


def _postgres_programs() -> Path:
    on_path = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parent.parent.name))
    program = Path(on_path) if on_path else (versions[-1] if versions else None)
    if program is None:
        pytest.skip("needs PostgreSQL (Debian package: postgresql)")
    return program.parent


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Cluster"]:
    """A Spark cluster of two workers behind a Connect server, on loopback only.

    Spark's client takes a process whose main module has no file, as workers of pytest-xdist are, for its own doctests.
    """
    from tests.spark_cluster import running_cluster

    with running_cluster(tmp_path_factory.mktemp("spark")) as cluster, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["__main__"], "__file__", __file__, raising=False)
        yield cluster


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy address of a fresh PostgreSQL server of this test session, on a local socket only.

    PostgreSQL refuses to run as root; then it runs as the `postgres` user that its Debian package makes. Pytest's own
    temporary folders are closed to that user, and too deep for a socket's name.
    """
    programs = _postgres_programs()
    as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="hearsafe-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        if as_owner:
            shutil.chown(home, "postgres")

        def run(program: str, *arguments: str) -> None:
            command = [*as_owner, str(programs / program), *arguments]
            subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL)

        run("initdb", "-D", str(home / "db"), "-U", "hearsafe", "--auth=trust", "--no-sync", "--encoding=UTF8")
        options = f"-k {home} -c listen_addresses='' -c max_connections=200"
        run("pg_ctl", "-D", str(home / "db"), "-l", str(home / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://hearsafe@/postgres?host={home}"
        finally:
            run("pg_ctl", "-D", str(home / "db"), "-m", "immediate", "stop")
