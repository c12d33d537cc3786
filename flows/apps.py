"""Opening a marimo app: a server of its own on this machine only, behind a token, until it is interrupted."""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from flows.console import say
from flows.listening import HOST, answers, free_port
from schemas.engine import TOKEN_VARIABLE
from schemas.errors import InternalFault, UsageFault

_START_SECONDS = 60
_PR_SET_PDEATHSIG = 1
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def open_app(notebook: str, given: Mapping[str, str | None], *, port: int | None, browser: bool) -> None:
    """Serve one app and print its address. Returns when the app ends.

    The token travels through the server's standard input: a command line can be read by every user of the machine.

    Raises: UsageFault: marimo is not installed, or the port is taken. InternalFault: the app does not start.
    """
    if find_spec("marimo") is None:
        what = "this app needs marimo, which is not installed"
        raise UsageFault("apps_missing", what, do="Install hearsafe with its apps extra: pip install 'hearsafe[apps]'")
    chosen, token = free_port(port), secrets.token_urlsafe(24)
    options = [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]
    command = [
        sys.executable, "-m", "marimo", "--quiet", "--yes", "run", str(NOTEBOOKS / notebook), "--headless",
        "--host", HOST, "--port", str(chosen), "--token", "--token-password-file", "-", "--no-sandbox", "--", *options,
    ]  # fmt: skip
    server = subprocess.Popen(  # noqa: S603  (a fixed argument list, no shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        preexec_fn=end_with_parent,  # noqa: PLW1509  (no thread runs here yet)
    )
    try:
        assert server.stdin is not None  # noqa: S101  (a pipe was asked for)
        server.stdin.write(token.encode())
        server.stdin.close()
        if not answers(server, chosen, "/health", _START_SECONDS):
            raise InternalFault("app_start", "the app did not start", do="Look at it with marimo run notebooks/")
        address = f"http://{HOST}:{chosen}?access_token={token}"
        say(address)
        if browser:
            webbrowser.open(address)
        server.wait()
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)
        server.kill()


def end_with_parent() -> None:
    """In the child: the kernel ends it when the command does, however that ends. Linux only; elsewhere nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def without_secrets(key_source: str = "") -> dict[str, str]:
    """Our environment for a child that opens no zone and asks no cluster: less its token, and a zone key kept there."""
    secret = {TOKEN_VARIABLE, key_source.removeprefix("env:")}
    return {name: value for name, value in os.environ.items() if name not in secret}


def _environment() -> dict[str, str]:
    return without_secrets() | {"DO_NOT_TRACK": "1", "MARIMO_SKIP_UPDATE_CHECK": "1", "PYTHONWARNINGS": "ignore"}
