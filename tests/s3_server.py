"""A real server of the S3 protocol on loopback: JuiceFS's gateway, which is MinIO's server over a folder.

Needs the programs of `make servers`.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import free_port, started, wait_for_port
from tests.spark_cluster import SERVERS

BUCKET = "releases"


@dataclass(frozen=True)
class ObjectStore:
    """`url`: of its bucket, for `--store`. `credentials`: the environment that opens it."""

    url: str
    endpoint: str
    credentials: dict[str, str]

    def below(self, *parts: str) -> str:
        """The address of a folder of the bucket."""
        address, _, options = self.url.partition("?")
        return f"{'/'.join((address, *parts))}?{options}"


@contextmanager
def running_store(folder: Path) -> Iterator[ObjectStore]:
    """Everything of it is under `folder` and on 127.0.0.1, and is gone with the block."""
    program = SERVERS / "bin" / "juicefs"
    if not program.is_file():
        pytest.skip("needs the object store of `make servers`")
    names = {"MINIO_ROOT_USER": "publisher", "MINIO_ROOT_PASSWORD": "not-a-real-password"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **names}
    meta = f"sqlite3://{folder}/meta.db"
    made = [program, "format", "--no-update", "--trash-days", "0", "--storage", "file", "--bucket", f"{folder}/data/"]
    subprocess.run([*made, meta, BUCKET], check=True, env=environment, cwd=folder, capture_output=True)
    port, endpoint = free_port(), ""
    endpoint = f"127.0.0.1:{port}"
    quiet = ["--no-usage-report", "--no-banner", "--metrics", f"127.0.0.1:{free_port()}"]
    serve = [str(program), "gateway", *quiet, "--cache-dir", f"{folder}/cache", meta, endpoint]
    with started(serve, folder / "gateway.log", environment) as process:
        wait_for_port(port, process, folder / "gateway.log")
        yield ObjectStore(
            f"s3://{BUCKET}?endpoint_override={endpoint}&scheme=http&region=us-east-1",
            endpoint,
            {
                "AWS_ACCESS_KEY_ID": names["MINIO_ROOT_USER"],
                "AWS_SECRET_ACCESS_KEY": names["MINIO_ROOT_PASSWORD"],
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )
