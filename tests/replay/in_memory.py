"""The cheap form: intake, zone tables, counting and measurement as they are, with DuckDB in memory and no process."""

import csv
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import xlsxwriter

from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import SourceFile
from pipelines.zone import responses
from pipelines.zone.counting import count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.packing import release_packing
from privacy.measure import Draw, measure, to_bytes
from schemas.attributes import attributes_of
from schemas.canonical import digest
from schemas.ledger import Charge
from schemas.plan import Plan
from schemas.survey import Survey
from tests.replay.neighbours import VICTIM, Row

HMAC_KEY = b"an invented key of 32 bytes only"
MEMORY = "300MB"
SMALL = {"threads": "1", "memory_limit": "300MB"}


def charge_of(plan: Plan) -> Charge:
    """A charge that pays for the plan."""
    return Charge(
        release_id="0" * 32,
        population=plan.population,
        year=plan.year,
        survey=plan.survey,
        wave=plan.wave,
        plan_digest=digest(plan),
        survey_digest=plan.survey_digest,
        policy_digest=plan.policy_digest,
        snapshot_id="0" * 32,
        attempt=1,
        charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon,
        mechanism="discrete_gaussian" if plan.noise == "gaussian" else "discrete_laplace",
        measured_tables=len(plan.measured),
        delta=plan.delta,
    )


def write_export(path: Path, survey: Survey, records: list[Row]) -> None:
    """The records as an export in the form of the survey's source."""
    source = survey.sources[0]
    if source.format == "xlsx":
        _write_workbook(path, records)
    else:
        _write_csv(path, records if source.layout == "wide" else _long(records))


def write_contacts(path: Path) -> None:
    """A contact list that the resident is on, whatever they answered."""
    _write_csv(path, [["Email"], *([f"r{n}@example.org"] for n in range(0, 12, 2)), [VICTIM]])


def _write_csv(path: Path, records: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(records)


def _write_workbook(path: Path, records: list[Row]) -> None:
    """What is a number or a truth value becomes a typed cell in every other row; text stands as it is.

    In which rows is said by what the row holds, not by where it stands: "01" is another answer as text and as a number,
    and a neighbour changes nobody else's.
    """
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        for number, record in enumerate(records):
            typed = zlib.crc32("\x1f".join(record).encode("utf-8", "surrogatepass")) % 2 == 1
            for place, cell in enumerate(record):
                text = cell[:32_000].replace("\x00", "")
                if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", text) and typed:
                    sheet.write_number(number, place, float(text))
                elif text == "true":
                    sheet.write_boolean(number, place, True)
                elif text:
                    sheet.write_string(number, place, text)


def _long(records: list[Row]) -> list[Row]:
    """One line a response and answer."""
    header, *rows = records
    lines: list[Row] = [["Respondent", *header[:3], "Item", "Value"]]
    for number, row in enumerate(rows):
        lines += [
            [f"{row[0]}/{number}", *row[:3], item, value] for item, value in zip(header[3:], row[3:], strict=False)
        ]
    return lines


class Room:
    """One connection for many small surveys."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._contacts = folder / "contacts.csv"
        write_contacts(self._contacts)

    def measured(self, survey: Survey, plan: Plan, records: list[Row], draw: Draw) -> bytes:
        """The measurements' bytes of an export with these records, drawn by `draw`."""
        export = self._folder / "export.csv"
        write_export(export, survey, records)
        contacts = self._contacts if survey.residents.verified_by else None
        attributes = attributes_of(survey)
        household = survey.residents.household
        responses.create_tables(self._connection, "memory", attributes, households=household is not None)
        try:
            for batch in encoded_batches(survey, [SourceFile("web", export)], HMAC_KEY, contacts):
                responses.append_responses(self._connection, "memory", batch.rows)
            at_most = None if household is None else household.at_most
            responses.settle(self._connection, "memory", ["memory.raw_responses"], household_at_most=at_most)
            packing = release_packing(survey, plan, MEMORY)
            exact = count_tables(DuckDBEngine(self._connection, "memory.core_responses"), packing, plan.measured)
        finally:
            for table in ("raw_responses", "core_batches", "core_quarantine", "core_responses"):
                self._connection.execute(f"DROP TABLE IF EXISTS memory.{table}")
        return to_bytes(measure(plan, exact, charge_of(plan), draw))


@contextmanager
def room(folder: Path) -> Iterator[Room]:
    connection = duckdb.connect(":memory:", config=SMALL)
    try:
        yield Room(connection, folder)
    finally:
        connection.close()


Measure = Callable[[Survey, Plan, list[Row], Draw], bytes]
