"""Edits of everything that is signed: the ledger's rows, and a release's manifest, card and Parquet."""

import json
import random
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pipelines.ledger.approvals import approve
from pipelines.ledger.chain import Row
from pipelines.ledger.signing import SigningKey
from pipelines.outlet.verify import fingerprint, verify
from pipelines.release import release
from schemas.canonical import canonical_bytes, digest
from schemas.errors import Fault, IntegrityFault
from schemas.ledger import EventKind
from schemas.manifest import MANIFEST_FILE
from tests.faults.smallville import FILE, build_smallville
from tests.ledger_sample import DISARM, World, a_charge, a_plan, a_policy, cross
from tests.prove.frame import Effort, Figure, Suite

_CHANCE = random.SystemRandom()
_FIELDS = ("prev_hash", "kind", "time", "body", "hash", "signature")


def _a_ledger(world: World) -> None:
    """Every kind of event that releases leave."""
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,), charges=5)
    ledger.record(EventKind.INGESTED, {"survey": "community", "wave": "2026", "snapshot_id": "snapshot-1"})
    approve(ledger, a_plan(policy), policy, key)
    cross(ledger, a_charge(policy), policy)
    charged = ledger.charge(a_charge(policy, 2), policy)
    with ledger.lock():
        ledger.record(EventKind.VOID, {"release_id": "r2", "charge_seq": charged.seq})
    ledger.record(EventKind.FROZEN, {})
    ledger.record(EventKind.CLOSED, {"survey": "community", "wave": "2026"})


def _rows(path: Path) -> list[Row]:
    with closing(sqlite3.connect(path)) as connection:
        return [Row(*row) for row in connection.execute("SELECT * FROM ledger_events ORDER BY seq")]


def _rewrite(path: Path, rows: list[Row]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in ("PRAGMA synchronous = OFF", *DISARM, "DELETE FROM ledger_events"):
            connection.execute(statement)
        connection.executemany("INSERT INTO ledger_events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _other_text(text: str) -> str:
    """One character changed, dropped, doubled, or in the other case."""
    place = _CHANCE.randrange(len(text)) if text else 0
    made = (
        text[:place] + _CHANCE.choice('0123456789abcdef"},') + text[place + 1 :],
        text[:place] + text[place + 1 :],
        text[: place + 1] + text[place:],
        text[:place] + text[place : place + 1].swapcase() + text[place + 1 :],
        text + " ",
    )
    return _CHANCE.choice([other for other in made if other != text])


def _recomputed(rows: list[Row], start: int) -> list[Row]:
    """From `start` on, the chain made right again and signed by a key that the ledger does not know."""
    key, made = SigningKey.new(), rows[: start - 1]
    for row in rows[start - 1 :]:
        fields = {
            "seq": row.seq,
            "prev_hash": made[-1].hash if made else "0" * 64,
            "kind": row.kind,
            "time": row.time,
            "body": json.loads(row.body),
        }
        row_hash = digest(fields)
        made.append(
            row._replace(prev_hash=fields["prev_hash"], hash=row_hash, signature=key.sign(bytes.fromhex(row_hash)))
        )
    return made


def _tampered(rows: list[Row]) -> tuple[list[Row], int]:
    """A random edit that somebody with the file and without the key could make. Returns: rows, and the first bad seq."""
    seq = _CHANCE.randrange(1, len(rows) + 1)
    row, before, after = rows[seq - 1], rows[: seq - 1], rows[seq:]
    kind = _CHANCE.choice(("field", "field", "field", "removed", "swapped", "doubled", "recomputed"))
    if kind == "removed" and after:
        moved = _CHANCE.choice((0, 1))
        return [*before, *(later._replace(seq=later.seq - moved) for later in after)], seq
    if kind == "swapped" and after:
        return [*before, after[0]._replace(seq=seq), row._replace(seq=seq + 1), *after[1:]], seq
    if kind == "doubled":
        last = rows[-1]
        again = row._replace(seq=len(rows) + 1, prev_hash=last.hash, hash=digest(secrets.token_bytes(8)))
        return [*rows, again], len(rows) + 1
    if kind == "recomputed":
        body: dict[str, Any] = json.loads(row.body)
        name = _CHANCE.choice([*body, "added"])
        changed = row._replace(body=canonical_bytes(body | {name: secrets.token_hex(4)}).decode())
        return _recomputed([*before, changed, *after], seq), seq
    field = _CHANCE.choice(_FIELDS)
    return [*before, row._replace(**{field: _other_text(getattr(row, field))}), *after], seq


def ledger_rows(effort: Effort) -> Iterator[Figure]:
    """Edits of the ledger's rows: refused at opening, and the first row that is wrong is named."""
    cases = effort.count(short=25, extended=60, long=250)
    world = World(effort.folder / "workspace")
    _a_ledger(world)
    rows, pristine = _rows(world.file), world.file.read_bytes()
    unseen = misnamed = 0
    for _ in range(cases):
        edited, seq = _tampered(rows)
        world.file.write_bytes(pristine)
        _rewrite(world.file, edited)
        try:
            world.open()
            unseen += 1
        except IntegrityFault as fault:
            misnamed += fault.where != f"seq {seq}"
    world.file.write_bytes(pristine)
    yield Figure("edits of the ledger", cases, ">=", cases)
    yield Figure("edits of the ledger that were not seen", unseen, "=", 0)
    yield Figure("edits of the ledger where another row than the first wrong one was named", misnamed, "=", 0)
    yield Figure("the ledger as it was opens", int(bool(world.open().events())), "=", 1)


def _edited_json(content: bytes) -> bytes:
    """One value of the document changed, a key removed or added, or the same document spelled otherwise."""
    document = json.loads(content)
    place: Any = document
    while isinstance(place, dict) and place:
        name = _CHANCE.choice(list(place))
        kind = _CHANCE.choice(("descend", "descend", "change", "remove", "add", "spell"))
        if kind == "descend" and isinstance(place[name], dict) and place[name]:
            place = place[name]
            continue
        if kind == "remove":
            del place[name]
        elif kind == "add":
            place["added"] = 1
        elif kind == "spell":
            return json.dumps(document, indent=3).encode()
        else:
            place[name] = secrets.token_hex(4)
        break
    return json.dumps(document).encode()


def releases(effort: Effort) -> Iterator[Figure]:
    """Edits of a release's files: none verifies under the owner's fingerprint, or under none."""
    cases = effort.count(short=25, extended=60, long=250)
    city = build_smallville(effort.folder / "city", approved=False)
    folder = release(city.workspace, city.declarations, key=FILE).folder
    owner = fingerprint(city.ledger().public_key_hex)
    verify(folder, owner)
    city.take(replace=True)
    other = release(city.workspace, city.declarations, key=FILE).folder
    names = [MANIFEST_FILE, "card.json", *(path.name for path in folder.glob("*.parquet"))]
    unseen = 0
    for number in range(cases):
        name = names[number % len(names)]
        path, content = folder / name, (folder / name).read_bytes()
        kind = _CHANCE.choice(("bit", "cut", "grown", "json", "swapped", "gone"))
        if kind == "json" and name.endswith(".json"):
            path.write_bytes(_edited_json(content))
        elif kind == "swapped":
            shutil.copy(other / name, path)
        elif kind == "gone":
            path.unlink()
        elif kind == "cut":
            path.write_bytes(content[: _CHANCE.randrange(len(content))])
        elif kind == "grown":
            path.write_bytes(content + secrets.token_bytes(_CHANCE.randrange(1, 9)))
        else:
            place = _CHANCE.randrange(len(content))
            path.write_bytes(
                content[:place] + bytes([content[place] ^ 1 << _CHANCE.randrange(8)]) + content[place + 1 :]
            )
        unseen += _verifies(folder, owner) or _verifies(folder, None)
        path.write_bytes(content)
    yield Figure("edits of manifest, card and Parquet", cases, ">=", cases)
    yield Figure("edits of a release that were not seen", unseen, "=", 0)
    yield Figure("the release as it was verifies", int(_verifies(folder, owner)), "=", 1)
    yield Figure("a release under another key's fingerprint verifies", int(_verifies(folder, "0" * 16)), "=", 0)


def _verifies(folder: Path, owner: str | None) -> bool:
    try:
        verify(folder, owner)
    except Fault:
        return False
    return True


SUITES = (
    Suite(
        name="tampered-ledger",
        purpose="250 edits of the ledger's rows are refused, and the first wrong row is named",
        run=ledger_rows,
        minutes=0.5,
        levels=("short", "extended", "long"),
    ),
    Suite(
        name="tampered-releases",
        purpose="250 edits of manifest, card and Parquet are refused by hearsafe verify",
        run=releases,
        minutes=0.5,
        levels=("extended", "long"),
    ),
)
