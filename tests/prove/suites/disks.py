"""Full disks, too little memory, and backups of another day."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.ledger.store import Ledger
from pipelines.outlet.verify import verify
from pipelines.release import release
from pipelines.zone.storage import open_zone
from tests.faults import crossing
from tests.faults.smallville import FILE, Smallville, build_smallville, charges, hits_of, succeeds
from tests.faults.trial import fork_server, wait_for_orphans
from tests.prove.frame import Effort, Figure, NotHere, Suite


@contextmanager
def _small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system in memory of this size. Raises: NotHere: not root, or not allowed."""
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        raise NotHere("needs root, to mount a file system in memory")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def full_disk(effort: Effort) -> Iterator[Figure]:
    """Room that ends at each of fifty places of a release: nothing half done is visible, and room cures it."""
    steps = effort.count(short=3, extended=8, long=50)
    prepared = build_smallville(effort.folder / "prepared")
    cells, forks = crossing.keep_plan(prepared), fork_server()
    lost = over = partial = uncured = failed = hits = searched = unclear = 0
    with _small_disk(effort.folder / "disk", "24m") as disk:
        for step in range(steps):
            city = prepared.copy(disk / "city")
            for name in ("errors.log", "draws.log", "worker.pid"):
                (city.folder / name).symlink_to(effort.folder / f"{step}-{name}")
            room = 4096 * (1 + step * 48 // steps)
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
            (disk / "ballast").write_bytes(bytes(max(0, free - room)))
            code = _released(forks, city)
            failed += code != 0
            unclear += code != 0 and not _ended_by_a_fault(city)
            (disk / "ballast").unlink()
            wait_for_orphans(city)
            charged, drawn = charges(city), crossing.draws(city.folder)
            over += not set(drawn) <= set(charged) or any(count > cells for count in drawn.values())
            partial += (code == 0 and len(city.releases()) != 1) or not all(map(_is_whole, city.releases()))
            uncured += _released(forks, city) != 0 or len(city.releases()) != 1
            lost += not set(charged) <= set(charges(city))
            found, places = hits_of(city)
            hits, searched = hits + found, searched + places
            shutil.rmtree(city.folder)
    yield Figure("disks that ran full", failed, ">=", max(1, steps // 3))
    yield Figure("runs on full disks that ended without a fault's own words", unclear, "=", 0)
    yield Figure("overspends on full disks", over, "=", 0, headline="overspends", trials=failed)
    yield Figure("charges lost on full disks", lost, "=", 0)
    yield Figure("releases not whole after a full disk", partial, "=", 0)
    yield Figure("runs that room did not cure", uncured, "=", 0)
    yield Figure("planted strings found after full disks", hits, "=", 0, headline="canaries", trials=searched)


def _is_whole(folder: Path) -> bool:
    return succeeds(lambda: verify(folder, None))


def _ended_by_a_fault(city: Smallville) -> bool:
    """Whether the run's last word was a fault of `schemas.errors`, other than one of ours."""
    lines = (city.folder / "errors.log").read_text().strip().splitlines()
    last = lines[-1]
    ended = last.startswith("schemas.errors.") and not last.startswith("schemas.errors.InternalFault")
    if not ended:
        print(f"      {last} in {[line.strip() for line in lines if line.startswith('  File')][-1]}")
    return ended


def _released(forks: object, city: Smallville) -> int | None:
    process = forks.Process(target=crossing.release_once, args=(str(city.folder), ""))  # type: ignore[attr-defined]
    process.start()
    process.join(60)
    return process.exitcode


def memory(effort: Effort) -> Iterator[Figure]:
    """A sort that does not fit: what DuckDB spills is inside the zone and encrypted, also the moment it is written."""
    rows = effort.count(short=300_000, extended=500_000, long=3_000_000)
    canary, key, spill = f"canaryspill{secrets.token_hex(8)}", secrets.token_bytes(32), effort.folder / "spill"
    spilled = found = looks = 0
    with open_zone({"zone": (effort.folder / "a.duckdb", True)}, key, spill=spill, memory="60MB", threads=1) as zone:
        make = f"SELECT '{canary}' || range || repeat('x', 80) AS s, range AS i FROM range({rows})"
        zone.execute(f"CREATE TABLE zone.t AS {make}")
        answer = zone.execute("SELECT s FROM zone.t ORDER BY hash(i), s")
        while answer.fetchmany(rows // 5):
            for path in spill.glob("*"):
                content = path.read_bytes()
                spilled, found, looks = spilled + len(content), found + (canary.encode() in content), looks + 1
    left = [path for path in spill.glob("*") if path.stat().st_size]
    yield Figure("bytes spilled and searched", spilled, ">=", 1_000_000)
    yield Figure("planted strings in spilled bytes", found, "=", 0, headline="canaries", trials=looks)
    yield Figure("files left in the spill folder", len(left), "=", 0)
    yield Figure(
        "planted strings in the zone file", int(canary.encode() in (effort.folder / "a.duckdb").read_bytes()), "=", 0
    )


def backups(effort: Effort) -> Iterator[Figure]:
    """Published cards alone refuse every older ledger, with the zone of then or of now, until the newest is back."""
    releases = effort.count(short=1, extended=2, long=8)
    city = build_smallville(effort.folder / "city", approved=False)
    kept, states = effort.folder / "kept", 0
    for number in range(releases):
        _backup(city, kept / str(states))
        states += 1
        if number:
            city.take(replace=True)
            _backup(city, kept / str(states))
            states += 1
        release(city.workspace, city.declarations, key=FILE)
    _backup(city, kept / "newest")
    accepted = trials = 0
    for number in range(states):
        for folders in (("ledger",), ("ledger", "zone"), ("zone", "keys", "ledger")):
            _restore(city, kept / str(number), folders)
            accepted += succeeds(lambda: Ledger.open(city.workspace))
            accepted += succeeds(lambda: release(city.workspace, city.declarations, key=FILE))
            trials += 2
            _restore(city, kept / "newest", ("ledger", "zone", "keys"))
    yield Figure(f"older ledgers and zones accepted of {trials}", accepted, "=", 0, headline="rollbacks", trials=trials)
    yield Figure("the newest is accepted", int(succeeds(lambda: Ledger.open(city.workspace))), "=", 1)


def _backup(city: Smallville, place: Path) -> None:
    shutil.copytree(city.folder / "ws", place, ignore=shutil.ignore_patterns("releases"))


def _restore(city: Smallville, backup: Path, folders: tuple[str, ...]) -> None:
    for name in folders:
        shutil.rmtree(city.folder / "ws" / name)
        shutil.copytree(backup / name, city.folder / "ws" / name)


SUITES = (
    Suite(
        name="full-disk",
        purpose="a disk that runs full at fifty places of a release: no charge lost, nothing partial, room cures it",
        run=full_disk,
        minutes=2,
        levels=("extended", "long"),
    ),
    Suite(
        name="spill",
        purpose="what does not fit into memory is spilled encrypted, inside the zone",
        run=memory,
        minutes=0.5,
        levels=("extended", "long"),
    ),
    Suite(
        name="backups",
        purpose="older ledgers, with the zone and keys of then or of now, are refused by published cards",
        run=backups,
        minutes=1.5,
        levels=("extended", "long"),
    ),
)
