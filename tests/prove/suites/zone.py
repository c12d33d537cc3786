"""The zone under damage, with wrong keys, and without its parent."""

import os
import random
import secrets
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.memory import DEFAULT_RELEASE
from pipelines.planning import planned
from pipelines.release import release
from pipelines.zone import crossing_room
from pipelines.zone.keys import create_hmac_key, read_hmac_key, read_key_file
from pipelines.zone.protocol import Message
from schemas.ledger import EventKind
from tests.faults import crossing
from tests.faults.smallville import FILE, Smallville, build_smallville, charges, hits_of, succeeds
from tests.faults.trial import fork_server, wait_for_orphans
from tests.prove.frame import Effort, Figure, Suite

_CHANCE = random.SystemRandom()


def _spoiled(content: bytes, *, cut: bool) -> bytes:
    """One bit flipped, or the file cut at a place drawn evenly."""
    if cut:
        return content[: _CHANCE.randrange(len(content))]
    place = _CHANCE.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << _CHANCE.randrange(8)]) + content[place + 1 :]


def damage(effort: Effort) -> Iterator[Figure]:
    """Flipped bits and cuts of every file that a release reads: the worker refuses before it is asked to draw."""
    city = build_smallville(effort.folder / "city", approved=False)
    released = release(city.workspace, city.declarations, key=FILE)
    declarations, ledger = city.declarations, city.ledger()
    plan, key = planned(declarations), read_key_file(city.keys / "zone.key")
    charged = next(event for event in ledger.events() if event.kind is EventKind.CHARGED)
    room = crossing_room.Crossing(city.zone, declarations.survey, key, ledger.public_key_hex, plan)

    def unsealed() -> object:
        return crossing_room.unseal_earlier(room, charged)

    def ready() -> object:
        with crossing_room.ready_zone(room) as zone:
            return zone.snapshot

    responses, sealed = next(city.zone.glob("responses-*")), next(city.zone.glob("sealed/*.sealed"))
    record, hmac = city.zone / "current.json", city.keys / "hmac.key"
    files: list[tuple[Path, Callable[[], object], int]] = [
        (responses, ready, 6),
        (record, ready, 2),
        (sealed, unsealed, 1),
        (hmac, lambda: read_hmac_key(hmac, key), 1),
    ]
    unseen = tried = flips = cuts = 0
    for path, opens, weight in files:
        content = path.read_bytes()
        for cut, many in (
            (False, effort.count(short=4, extended=20, long=100)),
            (True, effort.count(short=1, long=10)),
        ):
            for _ in range(weight * many):
                path.write_bytes(_spoiled(content, cut=cut))
                unseen += succeeds(opens)
                tried, flips, cuts = tried + 1, flips + (not cut), cuts + cut
        path.write_bytes(content)
    yield Figure("bits flipped in the zone", flips, ">=", effort.count(short=40, extended=200, long=1000))
    yield Figure("files of the zone cut", cuts, ">=", effort.count(short=10, long=100))
    yield Figure("damage that was not seen before a charge", unseen, "=", 0)
    through, before = effort.count(short=1, extended=3, long=30), charges(city)
    taken = 0
    shutil.rmtree(released.folder)
    for _ in range(through):
        for path in (responses, record, sealed):
            content = path.read_bytes()
            path.write_bytes(_spoiled(content, cut=_CHANCE.random() < 0.3))
            taken += succeeds(lambda: release(city.workspace, declarations, key=FILE))
            path.write_bytes(content)
    yield Figure("releases of a damaged zone", taken, "=", 0)
    yield Figure("charges for releases of a damaged zone", len(charges(city)) - len(before), "=", 0)
    yield Figure(
        "the undamaged zone is released", int(succeeds(lambda: release(city.workspace, declarations, key=FILE))), "=", 1
    )
    hits, searched = hits_of(city)
    yield Figure("planted strings found after damage", hits, "=", 0, headline="canaries", trials=searched)


def keys(effort: Effort) -> Iterator[Figure]:
    """Wrong, missing, malformed, rotated and exchanged keys: no charge, no plain text, no second way in."""
    city = build_smallville(effort.folder / "city", approved=False)
    zone_key, hmac_key = city.keys / "zone.key", city.keys / "hmac.key"
    good = {path: path.read_bytes() for path in (zone_key, hmac_key)}

    def put(path: Path, content: bytes | None) -> None:
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)

    def rotated() -> None:
        """Another zone key, and the HMAC key wrapped anew under it: as after a rotation without the zone."""
        put(zone_key, secrets.token_hex(32).encode())
        put(hmac_key, None)
        create_hmac_key(hmac_key, read_key_file(zone_key))

    spoil: dict[str, Callable[[], None]] = {
        "a wrong zone key": lambda: put(zone_key, secrets.token_hex(32).encode()),
        "no zone key": lambda: put(zone_key, None),
        "an empty zone key": lambda: put(zone_key, b""),
        "a zone key of all zeros": lambda: put(zone_key, b"0" * 64),
        "half a zone key": lambda: put(zone_key, good[zone_key][:32]),
        "a wrong HMAC key": lambda: put(hmac_key, secrets.token_bytes(40)),
        "no HMAC key": lambda: put(hmac_key, None),
        "rotated keys": rotated,
        "a key that cannot be decoded": lambda: put(zone_key, b"\xff" * 64),
    }
    opened = 0
    for action in spoil.values():
        action()
        opened += succeeds(lambda: release(city.workspace, city.declarations, key=FILE))
        opened += succeeds(lambda: city.take([_other_export(city)]))
        for path, content in good.items():
            put(path, content)
    yield Figure("kinds of wrong keys", len(spoil), ">=", 9)
    yield Figure("releases or ingests under wrong keys", opened, "=", 0)
    yield Figure("charges under wrong keys", len(charges(city)), "=", 0)
    plain = [
        path
        for path in city.zone.rglob("*")
        if path.is_file() and b"DUCK" in path.read_bytes()[:16] and _opens_plain(path)
    ]
    yield Figure("files of the zone that open without a key", len(plain), "=", 0)
    yield Figure(
        "the right keys open it", int(succeeds(lambda: release(city.workspace, city.declarations, key=FILE))), "=", 1
    )
    yield from _key_is_nowhere(effort, city)


def _other_export(city: Smallville) -> Path:
    path = city.folder / "more.csv"
    path.write_text("Email,Name,District,Q1\nsomebody@example.org,x,N,1\n")
    return path


def _opens_plain(path: Path) -> bool:
    import duckdb

    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error:
        return False
    return True


def _key_is_nowhere(effort: Effort, city: Smallville) -> Iterator[Figure]:
    """While a worker runs: its argument list, environment, open files, limits, and core file after an abort."""
    from pipelines.zone.keys import KeySource
    from pipelines.zone.launcher import WaveZone, working

    text = read_key_file(city.keys / "zone.key").hex()
    needles = [text.encode(), text.upper().encode(), bytes.fromhex(text)]
    os.environ["HEARSAFE_TEST_ZONE_KEY"] = text
    found, cores = 0, 0
    declarations, ledger = city.declarations, city.ledger()
    body = {
        "survey": declarations.survey.model_dump(mode="json", by_alias=True),
        "memory": DEFAULT_RELEASE,
        "ledger_key": ledger.public_key_hex,
    }
    plan = Message("plan", {"plan": planned(declarations).model_dump(mode="json")})
    trials = effort.count(short=1, extended=2, long=20)
    zone = WaveZone.of(city.workspace, declarations.survey, KeySource("env", "HEARSAFE_TEST_ZONE_KEY"))
    for _ in range(trials):
        with working(zone, "measure", body) as worker:
            worker.ask(plan)
            worker.answer()
            pid = worker._process.pid
            for name in ("cmdline", "environ"):
                content = Path(f"/proc/{pid}/{name}").read_bytes()
                found += sum(needle in content for needle in needles)
            limits = Path(f"/proc/{pid}/limits").read_text()
            core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
            cores += core.split()[4:6] != ["0", "0"]
            os.kill(pid, signal.SIGABRT)
            worker._process.wait()
        cores += len([path for path in city.folder.rglob("core*") if path.is_file()])
    del os.environ["HEARSAFE_TEST_ZONE_KEY"]
    yield Figure("keys in arguments or environment of a worker", found, "=", 0)
    yield Figure("workers that may dump core, and core files after an abort", cores, "=", 0)


def orphans(effort: Effort) -> Iterator[Figure]:
    """The parent dies and its worker does not, as where no parent-death signal exists: the next run waits for it."""
    trials = effort.count(short=1, extended=3, long=60)
    city = build_smallville(effort.folder / "prepared")
    cells, forks = crossing.keep_plan(city), fork_server()
    drawn_unpaid = drawn_twice = unfinished = alive = 0
    for number in range(trials):
        copy = city.copy(effort.folder / f"orphan-{number}")
        parent = forks.Process(target=crossing.release_and_leave_an_orphan, args=(str(copy.folder),))
        parent.start()
        parent.join(60)
        orphan = crossing.worker_pid(copy.folder)
        alive += orphan is not None and Path(f"/proc/{orphan}").exists()
        again = forks.Process(target=crossing.release_once, args=(str(copy.folder), ""))
        again.start()
        again.join(60)
        unfinished += again.exitcode != 0 or len(copy.releases()) != 1
        wait_for_orphans(copy)
        drawn, charged = crossing.draws(copy.folder), charges(copy)
        drawn_unpaid += not set(drawn) <= set(charged)
        drawn_twice += any(count > cells for count in drawn.values())
        shutil.rmtree(copy.folder)
    yield Figure("orphans that outlived their parent", alive, ">=", trials)
    yield Figure("overspends by orphans", drawn_unpaid + drawn_twice, "=", 0, headline="overspends", trials=trials)
    yield Figure("runs that an orphan kept from their end", unfinished, "=", 0)


SUITES = (
    Suite(
        name="zone-damage",
        purpose="1,000 flipped bits and 100 cuts of the zone's files are found before any charge",
        run=damage,
        minutes=2,
        levels=("extended", "long"),
    ),
    Suite(
        name="zone-keys",
        purpose="wrong, missing and rotated keys open nothing; keys are in no argument, environment or core file",
        run=keys,
        minutes=1,
        levels=("extended", "long"),
    ),
    Suite(
        name="orphans",
        purpose="workers that outlive their parent draw only what was paid for, and the next run waits for them",
        run=orphans,
        minutes=2,
        levels=("extended", "long"),
    ),
)
