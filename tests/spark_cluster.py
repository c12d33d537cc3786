"""A real Spark cluster on loopback: a master, two workers in processes of their own, and a Connect server before them.

Needs Java 17 and the programs of `make servers` (or HEARSAFE_SERVERS, the folder of such an environment).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import free_port, started, wait_for_port

ROOT = Path(__file__).resolve().parent.parent
SERVERS = Path(os.environ.get("HEARSAFE_SERVERS", ROOT / ".venv-servers"))
WORKERS = 2
TOKEN = "only of this cluster; and no secret"
"""The Connect server answers nobody without it. Spark's client sends one without TLS to `localhost` alone."""


@dataclass(frozen=True)
class Cluster:
    """`address`: of the Connect server. `store`: a folder that driver, workers and no one else use, as they name it."""

    address: str
    store: Path
    web: int

    @property
    def rows(self) -> str:
        return f"file://{self.store}"


def spark_home() -> Path:
    """The installed Spark. Skips where it or Java is missing."""
    if shutil.which("java") is None:
        pytest.skip("needs Java 17 (Debian package: openjdk-17-jre-headless)")
    found = sorted(SERVERS.glob("lib/python*/site-packages/pyspark/bin/spark-class"))
    if not found:
        pytest.skip("needs the Spark server of `make servers`")
    return found[-1].parent.parent


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Everything of it is under `folder` and on 127.0.0.1, and is gone with the block."""
    home = spark_home()
    store = folder / "store"
    store.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "700m",
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
    } | ({"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {})
    master, web, connect = free_port(), free_port(), free_port()
    at = f"spark://127.0.0.1:{master}"
    deploy = [str(home / "bin" / "spark-class"), "org.apache.spark.deploy"]
    with ExitStack() as servers:

        def start(name: str, command: list[str]) -> "subprocess.Popen[bytes]":
            return servers.enter_context(started(command, folder / f"{name}.log", environment))

        place = ["--host", "127.0.0.1"]
        leader = start(
            "master", [deploy[0], f"{deploy[1]}.master.Master", *place, "--port", str(master), "--webui-port", str(web)]
        )
        wait_for_port(master, leader, folder / "master.log")
        for number in range(WORKERS):
            start(
                f"worker{number}",
                [
                    deploy[0],
                    f"{deploy[1]}.worker.Worker",
                    *place,
                    "--cores",
                    "1",
                    "--memory",
                    "640m",
                    "--webui-port",
                    str(free_port()),
                    at,
                ],
            )
        options = {
            "spark.executor.memory": "512m",
            "spark.executor.cores": "1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.connect.authenticate.token": TOKEN,
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(connect),
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
        }
        named = [part for name, value in options.items() for part in ("--conf", f"{name}={value}")]
        server = start(
            "connect",
            [
                str(home / "bin" / "spark-submit"),
                "--master",
                at,
                *named,
                "--class",
                "org.apache.spark.sql.connect.service.SparkConnectServer",
                "spark-internal",
            ],
        )
        wait_for_port(connect, server, folder / "connect.log")
        yield Cluster(f"sc://localhost:{connect}", store, web)
