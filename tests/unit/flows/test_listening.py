"""A port may be taken between the moment it is free and the moment our server listens: the other one is not ours."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from flows import apps, serving
from flows.listening import HOST, answers, free_port
from schemas.errors import UsageFault
from tests.servers import started, wait_for_port

Process = subprocess.Popen


def web_server(port: int) -> tuple[str, ...]:
    """Of the files of its folder."""
    return (sys.executable, "-m", "http.server", str(port), "--bind", HOST)


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[int]:
    """A port on which a program that is not ours is as healthy as can be."""
    (tmp_path / "api").mkdir()
    for place in (tmp_path, tmp_path / "api"):
        (place / "health").touch()
    port = free_port(None)
    with started(web_server(port), tmp_path / "log", {}) as other:
        wait_for_port(port, other, tmp_path / "log")
        yield port


@pytest.fixture
def starting() -> Iterator[Process]:
    """A server of ours that does not listen yet."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def ended() -> Process:
    """A server of ours that could not listen."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process


def test_our_own_server_answers(tmp_path: Path) -> None:
    port = free_port(None)
    with started(web_server(port), tmp_path / "log", {}) as ours:
        assert answers(ours, port, "/", 60)


def test_another_program_that_answers_is_not_ours(taken: int, starting: Process) -> None:
    with pytest.raises(UsageFault) as refused:
        answers(starting, taken, "/health", 60)
    assert refused.value.code == "port_taken"


def test_a_server_that_ended_says_whether_its_port_was_taken(taken: int, ended: Process) -> None:
    with pytest.raises(UsageFault) as refused:
        answers(ended, taken, "/nowhere", 60)
    assert refused.value.code == "port_taken"
    assert not answers(ended, free_port(None), "/health", 60)


def test_another_program_may_speak_another_language(starting: Process) -> None:
    """Ours ends when it finds the port taken; until then nothing that is no HTTP is an answer."""

    def talk() -> None:
        talking, _ = other.accept()
        with talking:
            starting.kill()
            starting.wait()
            talking.sendall(b"220 ready\r\n")

    with socket.create_server((HOST, 0)) as other:
        talker = Thread(target=talk)
        talker.start()
        with pytest.raises(UsageFault) as refused:
            answers(starting, other.getsockname()[1], "/health", 60)
        talker.join()
    assert refused.value.code == "port_taken"


def test_an_app_prints_no_address_of_another_server(
    taken: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The port was free when it was asked for."""
    pytest.importorskip("marimo")
    monkeypatch.setattr(apps, "free_port", lambda port: port)
    with pytest.raises(UsageFault) as refused:
        apps.open_app("how_the_noise_works.py", {}, port=taken, browser=False)
    assert refused.value.code == "port_taken"
    assert capsys.readouterr().out == ""


def test_nothing_is_deployed_to_another_server(taken: int) -> None:
    with pytest.raises(UsageFault) as refused, serving._server(taken, ""):
        raise AssertionError("this is another server")
    assert refused.value.code == "port_taken"
