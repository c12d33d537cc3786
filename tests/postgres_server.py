"""A PostgreSQL server of Debian's packages, fresh and gone with its block.

PostgreSQL refuses to run as root; then it runs as the `postgres` user that its Debian package makes. Pytest's own
temporary folders are closed to that user, and too deep for a socket's name.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is missing."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name))
    found = shutil.which("initdb")
    return Path(found).parent if found else (versions[-1].parent if versions else None)


@contextmanager
def running_postgres(
    programs: Path,
    *,
    connections: int = 300,
    listen: str = "",
    network: str = "",
    on_host: Callable[..., list[str]] = lambda *command: [*command],
) -> Iterator[str]:
    """The SQLAlchemy address of a server on a local socket, or at the address `listen` for whoever is in `network`.

    `on_host`: makes of a command the one that runs it where the server shall be.
    """
    as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="hearsafe-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        if as_owner:
            shutil.chown(home, "postgres")

        def run(program: str, *arguments: str) -> None:
            command = on_host(*as_owner, str(programs / program), *arguments)
            subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL)

        run("initdb", "-D", str(home / "db"), "-U", "hearsafe", "--auth=trust", "--no-sync", "--encoding=UTF8")
        if network:
            with (home / "db" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {network} trust\n")
        options = f"-k {home} -c listen_addresses='{listen}' -c max_connections={connections}"
        run("pg_ctl", "-D", str(home / "db"), "-l", str(home / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://hearsafe@{listen}/postgres{'' if listen else f'?host={home}'}"
        finally:
            run("pg_ctl", "-D", str(home / "db"), "-m", "immediate", "stop")
