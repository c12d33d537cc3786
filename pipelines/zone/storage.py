"""Encrypted DuckDB files of a zone, opened so that nothing can get in or out by SQL.

Refuses to work unless the cipher reads GCM. External access and configuration are locked after attaching, so SQL
reaches the attached files and nothing else.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import duckdb_extension_httpfs

from schemas.errors import ZoneFault

_CONNECT: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
}
_AHEAD = "32MB"
"""What DuckDB's threads may decode ahead of the one that counts."""


def _crypto_extension() -> Path:
    folder = Path(duckdb_extension_httpfs.__path__[0]) / "extensions" / f"v{duckdb.__version__}"
    return folder / "httpfs.duckdb_extension"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def open_zone(
    files: Mapping[str, tuple[Path, bool]], key: bytes, *, spill: Path, memory: str = "2GB", threads: int = 2
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with encrypted files attached, as alias → (path, writable), locked down.

    Args:
        key: the 32-byte zone key.
        spill: folder inside the zone (0700) where DuckDB may put encrypted temporary files.

    Raises: ZoneFault: wrong key, damaged file, or a DuckDB that cannot encrypt. Never carries DuckDB's own text,
    which may hold values.
    """
    spill.mkdir(mode=0o700, exist_ok=True)
    connection = duckdb.connect(":memory:", config=_CONNECT | {"threads": str(threads), "memory_limit": memory})
    try:
        _prepare(connection, files, key, spill)
        yield connection
    finally:
        connection.close()


def _prepare(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str, tuple[Path, bool]], key: bytes, spill: Path
) -> None:
    failure: ZoneFault | None = None
    alias = ""
    try:
        connection.execute(f"LOAD {_quoted(str(_crypto_extension()))}")
        connection.execute("SET temp_file_encryption = true")
        connection.execute(f"SET temp_directory = {_quoted(str(spill))}")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET streaming_buffer_size = {_quoted(_AHEAD)}")
        for alias, (path, writable) in files.items():
            mode = "" if writable else ", READ_ONLY"
            connection.execute(
                f"ATTACH {_quoted(str(path))} AS {alias} "
                f"(ENCRYPTION_KEY {_quoted(key.hex())}, ENCRYPTION_CIPHER 'GCM'{mode})"
            )
        alias = ""
        for statement in ("SET enable_external_access = false", "SET lock_configuration = true"):
            connection.execute(statement)
    except duckdb.Error as error:
        failure = _attach_fault(error, alias, files)
    if failure is not None:
        raise failure
    unsafe = connection.execute(
        "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND path IS NOT NULL "
        "AND (NOT encrypted OR upper(cipher) <> 'GCM')"
    ).fetchall()
    if unsafe:
        raise ZoneFault(
            "cipher_not_gcm",
            "DuckDB would not encrypt this zone with AES-GCM",
            do="Install the locked versions of duckdb and its extension",
        )


def _attach_fault(error: duckdb.Error, alias: str, files: Mapping[str, tuple[Path, bool]]) -> ZoneFault:
    where = files[alias][0].name if alias in files else "zone"
    text = str(error).lower()
    if "wrong encryption key" in text:
        return ZoneFault(
            "key_wrong", "the zone key does not open this zone", where=where, do="Check --key-source and the key backup"
        )
    if "lock on file" in text:
        return ZoneFault(
            "zone_busy", "another process has this zone open", where=where, do="Wait for it to end, then try again"
        )
    if not alias:
        return ZoneFault(
            "zone_engine",
            "DuckDB could not be prepared for encryption",
            where=where,
            do="Install the locked versions of duckdb and its extension",
        )
    return ZoneFault(
        "zone_damaged", "the zone file cannot be opened", where=where, do="Restore the zone from your backup"
    )
