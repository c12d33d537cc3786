"""The deployment examples name commands, options and files that exist, and systemd takes the units where it is there."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from flows.command_line import app

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "examples" / "deploy"
UNITS = sorted(path for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))


def sections(path: Path) -> dict[str, list[tuple[str, str]]]:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            found[name] = []
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[name].append((key, value))
    return found


def options_of(verb: str) -> set[str]:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_verbs_and_options_that_exist(path: Path) -> None:
    commands = [value for key, value in sections(path).get("Service", ()) if key == "ExecStart"]
    assert bool(commands) == (path.suffix == ".service")
    for command in commands:
        program, verb, *arguments = shlex.split(command)
        assert program == "/opt/hearsafe/.venv/bin/hearsafe"
        assert {word for word in arguments if word.startswith("--")} <= options_of(verb)


@pytest.mark.parametrize("path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_a_service_is_confined(path: Path) -> None:
    settings = dict(sections(path)["Service"])
    wanted = {
        "User": "hearsafe",
        "PrivateNetwork": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "LimitCORE": "0",
    }
    assert wanted.items() <= settings.items()
    assert "user" in settings["RestrictNamespaces"].split(), "the worker leaves the network through its own namespace"
    assert "MemoryDenyWriteExecute" not in settings


SYSTEMD = shutil.which("systemd-analyze")
if SYSTEMD:  # no part of what CI must have

    @pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
    def test_systemd_understands_the_units(path: Path, tmp_path: Path) -> None:
        for unit in UNITS:
            copied = unit.read_text(encoding="utf-8").replace("/opt/hearsafe/.venv/bin/hearsafe", "/bin/true")
            (tmp_path / unit.name.replace("@", "@survey")).write_text(copied, encoding="utf-8")
        command = [str(SYSTEMD), "verify", "--man=no", str(tmp_path / path.name.replace("@", "@survey"))]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_image_is_made_of_files_that_exist() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert {"requirements.lock", "schemas", "privacy", "pipelines", "flows"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert "--require-hashes" in text
    assert re.search(r"^USER hearsafe$", text, re.MULTILINE)
