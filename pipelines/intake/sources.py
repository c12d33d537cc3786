"""Opens a file as the table its source declares."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.intake.decode import open_source
from pipelines.intake.delimited import open_delimited
from pipelines.intake.formats.registry import KINDS
from pipelines.intake.parquet import open_parquet
from pipelines.intake.records import Table
from pipelines.intake.xlsx import open_workbook
from schemas.errors import InputRefused
from schemas.survey import Source

_MAGIC = {b"PK\x03\x04": "xlsx", b"PAR1": "parquet", b"\x1f\x8b": "gzip", b"\xd0\xcf\x11\xe0": "xls"}


def open_table(path: Path, source: Source, wanted: Sequence[str]) -> Table:
    """The file as declared; exports of survey systems are text or a workbook. `wanted`: names, to judge separators.

    Raises: InputRefused.
    """
    container, kind = container_of(path), KINDS[source.format]
    if source.format not in ("delimited", "parquet") and container == "xlsx":
        return open_workbook(path, sheet=source.sheet, header_rows=source.header_rows, kind=kind)
    if source.format == "parquet" and container == "parquet":
        return open_parquet(path)
    if source.format in ("xlsx", "parquet") or container != "text":
        raise InputRefused(
            "format_unreadable",
            f"source {source.id!r} is declared {source.format}, and the file is {container}",
            where=path.name,
            do="Unpack it, export it again, or correct the source's format",
        )
    return open_delimited(
        path,
        encoding=source.encoding,
        separator=source.separator,
        header_rows=source.header_rows,
        kind=kind,
        wanted=wanted,
    )


def open_any(path: Path, wanted: Sequence[str]) -> Table:
    """The file as what it is: a workbook, Parquet, or delimited text. Raises: InputRefused."""
    container = container_of(path)
    if container == "xlsx":
        return open_workbook(path)
    if container == "parquet":
        return open_parquet(path)
    if container != "text":
        raise InputRefused(
            "format_unreadable", f"the file is {container}", where=path.name, do="Unpack it or export it as CSV or XLSX"
        )
    return open_delimited(path, wanted=wanted)


def container_of(path: Path) -> str:
    """`xlsx`, `parquet`, `gzip`, `xls` or `text`, by the first bytes. Raises: InputRefused."""
    with open_source(path) as file:
        start = file.read(4)
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "text")
