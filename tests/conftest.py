"""Fixtures that every floor shares, and the rule that CI skips nothing.

What a test needs and a machine may lack (../shared/data, Chromium, PostgreSQL, Spark, an object store, root) is skipped
by name. With HEARSAFE_REQUIRE_ALL=1, as in .ci/run, every skip is a failure.
"""

import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres_server import postgres_programs, running_postgres

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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one `xdist_group` go to one worker: pytest-xdist 3.8 writes their id where pytest 9.2 no longer looks."""
    for item in items:
        grouped = getattr(item, "_nodeid", None)
        if grouped is not None and grouped != item.nodeid:
            item._id = type(item._id).parse(grouped)  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]


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
    """SQLAlchemy address of a fresh PostgreSQL server of this test session, on a local socket only."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL (Debian package: postgresql)")
    with running_postgres(programs) as address:
        yield address
