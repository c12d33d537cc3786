"""Schedules: the whole way served to a Prefect server, which `hearsafe serve` brings along where none is named."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from flows.apps import end_with_parent, without_secrets
from flows.console import say
from flows.listening import HOST, answers, free_port
from flows.settings import SERVED, prepare_prefect
from flows.through_prefect import Errand
from schemas.errors import InternalFault, UsageFault

_START_SECONDS = 300


def serve(errand: Errand, *, name: str, cron: str, timezone: str, port: int | None) -> None:
    """Serve one scheduled deployment of `ingest-to-report` until interrupted; one run at a time, others wait.

    Raises: UsageFault: cron or time zone is not understood, or the port is taken. InternalFault: the server does not
        start.
    """
    prepare_prefect(Path(errand.workspace) / "prefect")
    named = os.environ.get("PREFECT_API_URL")
    own = None if named else free_port(port)
    address = named or f"http://{HOST}:{own}/api"
    os.environ["PREFECT_API_URL"] = address  # before the first import of Prefect, which reads it once
    os.environ[SERVED] = "1"
    _check_schedule(cron, timezone)
    with _server(own, errand.key_source):
        from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
        from prefect.schedules import Cron
        from prefect.types.entrypoint import EntrypointType

        from flows.automations import ensure_automations
        from flows.ingest_to_report import ingest_to_report

        ensure_automations()
        say(f"{address.removesuffix('/api')} serves {name}: {cron} ({timezone})")
        with suppress(SystemExit):  # how Prefect ends on a signal
            ingest_to_report.serve(
                name=name,
                schedule=Cron(cron, timezone=timezone),
                parameters=asdict(errand),
                limit=1,
                global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
                entrypoint_type=EntrypointType.MODULE_PATH,
                pause_on_shutdown=False,
                print_starting_message=False,
            )


def _check_schedule(cron: str, timezone: str) -> None:
    from zoneinfo import ZoneInfo

    from prefect.client.schemas.schedules import CronSchedule

    try:
        CronSchedule(cron=cron)
    except ValueError:
        wrong = ("cron", "this is not a cron expression", "--cron", 'Write one such as "0 6 * * 1"')
    else:
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            wrong = ("timezone", "this time zone is not known", "--timezone", "Write one such as Europe/Paris")
        else:
            return
    code, what, where, do = wrong
    raise UsageFault(code, what, where=where, do=do)


@contextmanager
def _server(port: int | None, key_source: str) -> Iterator[None]:
    """A server of our own on loopback that ends with us; none where `port` is None, for one is named."""
    if port is None:
        yield
        return
    _scheduler_works()
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    server = subprocess.Popen(  # noqa: S603  (a fixed argument list, no shell)
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=without_secrets(key_source) | {"PREFECT_UI_API_URL": f"http://{HOST}:{port}/api"},
        preexec_fn=end_with_parent,  # noqa: PLW1509  (no thread runs here yet)
    )
    try:
        if not answers(server, port, "/api/health", _START_SECONDS):
            raise InternalFault("server_start", "the Prefect server did not start", do="Name one with PREFECT_API_URL")
        yield
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
        server.kill()


def _scheduler_works() -> None:
    """Prefect 3.8's scheduler inserts no run with SQLAlchemy 2.1: it would serve, and never run anything."""
    from importlib.metadata import version

    if tuple(int(part) for part in version("sqlalchemy").split(".")[:2]) >= (2, 1):
        what = "this Prefect's scheduler does not work with the SQLAlchemy that is installed"
        raise UsageFault("scheduler_broken", what, do="Install SQLAlchemy 2.0, or name a server with PREFECT_API_URL")
