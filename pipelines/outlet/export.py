"""Writes a verified release in another form: a workbook, one CSV of figures, or a folder of CSV tables."""

from pathlib import Path

from pipelines.outlet.csv_export import csv_files, figures_csv
from pipelines.outlet.verify import Verification, verify
from schemas.errors import UsageFault
from schemas.manifest import MANIFEST_FILE


def export(folder: Path, to: Path, key: str | None = None) -> Path:
    """`to`: FILE.xlsx, FILE.csv, or a folder for four CSV files. Nothing that exists is replaced.

    Raises: IntegrityFault: the release does not hold together. UsageFault: `to` exists, is of no known kind,
    or cannot be written.
    """
    if to.suffix and to.suffix.casefold() not in (".xlsx", ".csv") and not to.is_dir():
        raise _refused("there is no export of this kind", to)
    found = verify(folder, key)
    if (to.absolute().parent / MANIFEST_FILE).exists() or (to / MANIFEST_FILE).exists():
        raise _refused("a release folder is signed and takes no file", to)
    files = _files(found, to)
    problem = ""
    try:
        if to not in files:
            to.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            with path.open("xb") as out:
                out.write(content)
    except FileExistsError:
        problem = "this is there already, and export replaces nothing"
    except OSError:
        problem = "the export cannot be written here"
    if problem:
        raise _refused(problem, to)
    return to


def _files(found: Verification, to: Path) -> dict[Path, bytes]:
    if to.suffix.casefold() == ".xlsx":
        from pipelines.outlet.workbook import workbook_bytes

        return {to: workbook_bytes(found)}
    if to.suffix.casefold() == ".csv":
        return {to: figures_csv(found)}
    return {to / name: content for name, content in csv_files(found).items()}


def _refused(what: str, to: Path) -> UsageFault:
    return UsageFault("export_to", what, where=str(to), do="Name another --to: FILE.xlsx, FILE.csv or a folder")
