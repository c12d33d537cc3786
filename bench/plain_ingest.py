"""DuckDB reads a CSV into an encrypted table: no severing, encoding or checks. Run as: plain_ingest.py CSV FOLDER"""

import secrets
import sys
from pathlib import Path

import duckdb
import duckdb_extension_httpfs


def main(export: str, folder: str) -> None:
    """All columns as text, as intake must take them: types would have to be guessed from answers."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    extension = Path(duckdb_extension_httpfs.__path__[0]) / "extensions" / f"v{duckdb.__version__}"
    with duckdb.connect(config={"threads": "2", "memory_limit": "2GB"}) as connection:
        connection.execute(f"LOAD '{extension / 'httpfs.duckdb_extension'}'")
        connection.execute("SET temp_file_encryption = true")
        connection.execute(f"SET temp_directory = '{place / 'spill'}'")
        key = secrets.token_hex(32)
        connection.execute(f"ATTACH '{place / 'plain.duckdb'}' AS z (ENCRYPTION_KEY '{key}', ENCRYPTION_CIPHER 'GCM')")
        connection.execute(f"CREATE TABLE z.responses AS SELECT * FROM read_csv('{export}', all_varchar = true)")
        connection.execute("CHECKPOINT z")


if __name__ == "__main__":
    main(*sys.argv[1:])
