"""Takes hostile files in, in a child process: a hang or a crash ends the child and is told by its parent."""

import os
import random
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import SourceFile
from pipelines.zone.ingest_room import WaveKeys, ingest, ingest_lines
from schemas.errors import Fault
from schemas.survey import Survey
from tests.faults import hostile, hostile_written
from tests.faults.hostile import PLANTED, Hostile

LONGEST_SECONDS = 30
MOST_MEMORY = 6 << 30
KEY = b"an invented key of 32 bytes only"
Told = tuple[str, str, str]
"""Name of the file, what became of it, and what is wrong: `uncaught …`, `said …`, `miscounted`, or nothing."""


def survey_as(kind: str) -> Survey:
    """The survey with its one source declared as this format."""
    source: dict[str, Any] = {"id": "web", "format": kind, "time": {"column": "When", "pattern": "%Y-%m-%d %H:%M:%S"}}
    return Survey.model_validate(hostile.SURVEY | {"sources": [source]})


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def generated_files(seed: int, many: int) -> Iterator[Hostile]:
    chance = random.Random(seed)
    return (hostile.generated(chance) for _ in range(many))


def take_generated(folder: str, seed: int, many: int, skip: int, tell: Connection) -> None:
    """Generate and read files, telling of each before and after. `skip`: files before this one are passed over."""
    _limits()
    _each(Path(folder), generated_files(seed, many), skip, tell, _read)


def take_written(folder: str, part: int, parts: int, skip: int, tell: Connection) -> None:
    """The written files, all the way into a zone of their own."""
    _limits()
    mine = (file for number, file in enumerate(hostile_written.written()) if number % parts == part)
    _each(Path(folder), mine, skip, tell, _zoned)


def _each(
    folder: Path, files: Iterable[Hostile], skip: int, tell: Connection, take: Callable[[Path, Hostile], str]
) -> None:
    folder.mkdir(exist_ok=True)
    for number, file in enumerate(files):
        if number < skip:
            continue
        tell.send(("begins", file.name))
        path = folder / "export.data"
        path.write_bytes(file.content)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
        said, wrong = "", ""
        try:
            wrong = take(path, file)
            said = "taken"
        except Fault as fault:
            said = f"refused {fault.code}"
            wrong = f"said {fault.code}" if PLANTED in str(fault.as_dict()) else ""
        except BaseException as unexpected:  # noqa: BLE001  (what is looked for)
            said, wrong = "uncaught", f"uncaught {type(unexpected).__name__}"
        signal.setitimer(signal.ITIMER_REAL, 0)
        tell.send(("ended", (file.name, said, wrong)))
    tell.send(("done", None))


def _read(path: Path, file: Hostile) -> str:
    """Intake alone: every record is accepted, excluded or quarantined, once, and said without its content."""
    read = accounted = 0
    words: list[str] = []
    for batch in encoded_batches(survey_as(file.format), [SourceFile("web", path)], KEY, None):
        read += batch.read
        accounted += batch.rows.num_rows + batch.excluded + len(batch.quarantined)
        words += [f"{q.field} {q.reason}" for q in batch.quarantined]
    if any(PLANTED in word for word in words):
        return "said in quarantine"
    return "" if read == accounted and file.records in {None, read} else "miscounted"


def _zoned(path: Path, file: Hostile) -> str:
    """Into an encrypted zone, and what its operator is shown of it."""
    zone, survey = path.parent / f"zone-{os.getpid()}-{abs(hash(file.name))}", survey_as(file.format)
    zone.mkdir(mode=0o700)
    told: list[str] = []
    keys = WaveKeys(KEY, KEY, "a" * 64)
    ingest(zone, survey, [SourceFile("web", path)], None, keys, replace=False, memory="500MB", tell=told.append)
    lines = [*ingest_lines(zone, survey, KEY), *told]
    bytes_kept = b"".join(p.read_bytes() for p in zone.rglob("*") if p.is_file())
    for path_kept in sorted(zone.rglob("*"), reverse=True):
        path_kept.rmdir() if path_kept.is_dir() else path_kept.unlink()
    zone.rmdir()
    if any(PLANTED in line for line in lines) or PLANTED.encode() in bytes_kept:
        return "said or kept"
    return _read(path, file)
