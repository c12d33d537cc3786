"""Publication: a release folder appears whole, signed and durable, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.outlet.card import build_card, card_bytes
from pipelines.outlet.context import ReleaseContext
from pipelines.outlet.datapackage import PARQUET_FILES, datapackage_bytes
from pipelines.outlet.manifest import manifest_bytes
from pipelines.outlet.parquet import estimates_table, measurements_table, parquet_bytes, summary_table
from pipelines.outlet.report import render_report
from pipelines.outlet.verify import parquet_metadata, verify
from privacy.measure import Measurements, Released
from schemas.card import Card
from schemas.errors import IntegrityFault, ZoneFault
from schemas.manifest import (
    CARD_FILE,
    DATAPACKAGE_FILE,
    ESTIMATES_FILE,
    MANIFEST_FILE,
    MEASUREMENTS_FILE,
    REPORT_FILE,
    SUMMARY_FILE,
    fingerprint,
)
from schemas.released import SummaryRow

if TYPE_CHECKING:
    from privacy.estimate import Estimates

__all__ = ["ReleaseContext", "publish", "release_files"]


def release_files(
    context: ReleaseContext,
    card: Card,
    released: Released[Measurements],
    estimates: "Estimates",
    summary: Sequence[SummaryRow],
) -> dict[str, bytes]:
    """Every file of the release but the manifest, in memory; the same bytes for the same inputs."""
    attributes = {attribute.id: attribute for attribute in context.attributes}
    tables = {
        MEASUREMENTS_FILE: measurements_table(context.plan, attributes, released.value.tables),
        ESTIMATES_FILE: estimates_table(context.plan, attributes, estimates),
        SUMMARY_FILE: summary_table(card.survey, card.wave, summary),
    }
    metadata = parquet_metadata(card)
    with ThreadPoolExecutor() as aside:  # Arrow needs no lock of the interpreter, which the report keeps
        written = {n: aside.submit(parquet_bytes, table, PARQUET_FILES[n], metadata) for n, table in tables.items()}
        report = render_report(card, tables[ESTIMATES_FILE], tables[SUMMARY_FILE]).encode()
        files = {name: content.result() for name, content in written.items()}
    files[CARD_FILE] = card_bytes(card)
    files[REPORT_FILE] = report
    files[DATAPACKAGE_FILE] = datapackage_bytes(card, files)
    return files


def publish(
    folder: Path,
    context: ReleaseContext,
    released: Released[Measurements],
    estimates: "Estimates",
    summary: Sequence[SummaryRow],
    sign: Callable[[bytes], str],
) -> None:
    """Write the release folder: temporary folder beside it → fsync files, manifest last → verify → rename → fsync.

    Files and folders are dated by the day on the card: when they were written would tell how long the release took.

    A folder that is already there is left as it is when it verifies under this ledger's key and holds this release's
    measurements, whatever version of hearsafe wrote it.

    Raises: IntegrityFault: something else is in its place. ZoneFault `release_unwritable`.
    """
    if (
        released.value.release_id != context.charge.release_id
        or released.value.plan_digest != context.charge.plan_digest
    ):
        raise IntegrityFault("measurements_foreign", "the measurements are not those of this charge", where=folder.name)
    if _already_there(folder, context, released):
        return
    card = build_card(context, estimates)
    files = release_files(context, card, released, estimates, summary)
    files[MANIFEST_FILE] = manifest_bytes(card, files, sign)
    try:
        _place(folder, files, context, released)
    except OSError:
        failed = True
    else:
        failed = False
    if failed:
        raise ZoneFault(
            "release_unwritable",
            "the release folder cannot be written: the disk is full, failing or read-only",
            where=str(folder),
            do="Make room or restore access, and release again: it is paid for",
        )


def _place(
    folder: Path, files: dict[str, bytes], context: "ReleaseContext", released: "Released[Measurements]"
) -> None:
    """Everything into a temporary folder beside it, then renamed. Raises: OSError, IntegrityFault."""
    changed = _make_parents(folder.parent)
    for interrupted in folder.parent.glob(
        f".{folder.name}.*"
    ):  # of a run that was killed; ours alone, under the run's lock
        shutil.rmtree(interrupted)
    written = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        day = _nanoseconds(context.day)
        _write_all(written, files, day)
        verify(written, fingerprint(context.ledger_public_key))
        try:
            written.rename(folder)
        except OSError:  # another run of the same release was first
            if not _already_there(folder, context, released):
                raise
        for parent in changed:
            _date(parent, day)
        _fsync_directory(folder.parent)
    finally:
        shutil.rmtree(written, ignore_errors=True)


def _already_there(folder: Path, context: ReleaseContext, released: Released[Measurements]) -> bool:
    if not os.path.lexists(folder):
        return False
    found = verify(folder, fingerprint(context.ledger_public_key))
    attributes = {attribute.id: attribute for attribute in context.attributes}
    ours = measurements_table(context.plan, attributes, released.value.tables)
    if (found.release_id, found.head) != (context.charge.release_id, context.sealed) or not found.measurements.equals(
        ours.replace_schema_metadata(None)
    ):
        raise IntegrityFault(
            "release_differs",
            "another release is in this folder",
            where=folder.name,
            do="Find out who wrote it; a published release is never overwritten",
        )
    return True


def _nanoseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) * 10**9


def _date(path: Path | int, nanoseconds: int) -> None:
    """Set when a file or folder was changed; one that belongs to somebody else keeps its time."""
    with suppress(PermissionError):
        os.utime(path, ns=(nanoseconds, nanoseconds))


def _write_all(folder: Path, files: dict[str, bytes], day: int) -> None:
    for name, content in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fchmod(out.fileno(), 0o644)
            _date(out.fileno(), day)
            os.fsync(out.fileno())
    folder.chmod(0o755)
    _date(folder, day)
    _fsync_directory(folder)


def _make_parents(parent: Path) -> list[Path]:
    """Returns: the folders that were made, with those they were made in, and `parent` itself."""
    missing = [p for p in (parent, *parent.parents) if not p.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _fsync_directory(made.parent)
    return [parent, *(made.parent for made in missing)]


def _fsync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
