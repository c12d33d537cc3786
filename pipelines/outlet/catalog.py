"""Writes the catalogue: a DuckDB database, or its SQL. The one place outside the zone that may open DuckDB."""

import secrets
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.outlet.catalog_sql import HEAD, MARK, Catalogued, catalog_sql
from pipelines.outlet.verify import Verification, verify
from schemas.errors import IntegrityFault, UsageFault

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_LOCKED = "Could not set lock on file"
"""How DuckDB says that another process has a database open for writing: it has no exception of its own for that."""


def write_catalog(folders: Sequence[Path], out: Path, key: str | None = None) -> int:
    """Verify every release, then write the catalogue over all: SQL where `out` ends in .sql, else a database.

    The views read the Parquet files where they are now. A catalogue at `out` is replaced; anything else is left alone.

    Returns: the number of releases.
    Raises: IntegrityFault: a release does not hold together. UsageFault: there is none, or `out` cannot be written, or
        is in use.
    """
    if not folders:
        what = "there is no release to catalogue"
        raise UsageFault("catalog_empty", what, do="Name release folders, or a workspace that has some")
    releases = [Catalogued(folder.resolve(), _verified(folder, key)) for folder in folders]
    if out.exists() and not _is_catalog(out):
        raise UsageFault(
            "catalog_out", "this is no catalogue, and is not replaced", where=str(out), do="Name another --out"
        )
    statements = catalog_sql(releases)
    written = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        if out.suffix.casefold() == ".sql":
            text = ";\n".join(("BEGIN", *statements, "COMMIT"))
            written.write_text(f"{HEAD}\n{text};\n", encoding="utf-8")
        else:
            with duckdb.connect(str(written), config=_CONFIG) as database:
                for statement in statements:
                    database.execute(statement)
        written.replace(out)
        failed = False
    except (OSError, duckdb.IOException):
        failed = True
    finally:
        written.unlink(missing_ok=True)
    if failed:
        raise UsageFault("catalog_out", "the catalogue cannot be written here", where=str(out), do="Name another --out")
    return len(releases)


def _verified(folder: Path, key: str | None) -> Verification:
    try:
        return verify(folder, key)
    except IntegrityFault as fault:
        where = f"{folder.name}: {fault.where}"
        raise IntegrityFault(fault.code, fault.what, where=where, do=fault.do) from None


def _is_catalog(path: Path) -> bool:
    """Raises: UsageFault: a database that is open elsewhere, so that none can tell."""
    try:
        with path.open("rb") as file:
            if file.read(len(HEAD)) == HEAD.encode():
                return True
        with duckdb.connect(str(path), read_only=True, config=_CONFIG) as database:
            found = database.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'releases'").fetchall()
        return found == [(MARK,)]
    except (OSError, duckdb.Error) as error:
        locked = _LOCKED in str(error)
    if locked:
        what = "this database is in use by another program, which may write to it"
        raise UsageFault("catalog_in_use", what, where=str(path), do="Close it there, or name another --out")
    return False
