"""What stands outside the ledger and remembers it: witness files and the cards of releases. Defence against rollback.

A witness file holds one canonical line {"hash", "ledger_id", "seq"} per event that matters. Best kept under another
owner. The ledger may be ahead of a witness (a crash came between): the missing lines are added. It may never be behind.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipelines.durable import sync_folder
from pipelines.workspace import Workspace
from schemas.canonical import canonical_bytes
from schemas.errors import IntegrityFault, ZoneFault
from schemas.ledger import Event, EventKind, Head
from schemas.manifest import CARD_FILE

DEFAULT_WITNESS = "witness.jsonl"
WITNESSED = frozenset(
    {
        EventKind.OPENED,
        EventKind.POLICY,
        EventKind.CHARGED,
        EventKind.SEALED,
        EventKind.PUBLISHED,
        EventKind.VOID,
        EventKind.FROZEN,
        EventKind.THAWED,
        EventKind.CLOSED,
        EventKind.EXPIRED,
        EventKind.REGISTERED,
    }
)
"""Events whose loss would give something back: loss spent, a freeze, tighter caps, a destroyed key, a disclosure."""

_RESTORE = "Restore the newest ledger; if it is lost, the witness and the cards say what was charged"


@dataclass(frozen=True)
class Seen:
    """A head that some place outside the ledger remembers, or a line cut short by a crash (`fragment`)."""

    place: str
    head: Head | None
    fragment: bytes = b""


def _line(event: Event, ledger_id: str) -> bytes:
    return canonical_bytes(Head(ledger_id=ledger_id, seq=event.seq, hash=event.hash))


def _head(value: object) -> Head | None:
    try:
        return Head.model_validate(value, strict=True)
    except ValidationError:
        return None


class Witness:
    """One witness file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def seen(self) -> list[Seen]:
        """Every line; none where there is no file. Raises: ZoneFault: it cannot be read."""
        try:
            with self._locked(os.O_RDONLY, fcntl.LOCK_SH) as descriptor:
                return self._read(descriptor)
        except FileNotFoundError:
            return []
        except OSError:
            raise self._unwritable("read") from None

    def require_writable(self) -> None:
        """Raises: ZoneFault: lines could not be added, so nothing that needs one may be recorded."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
        except OSError:
            raise self._unwritable("written; nothing was recorded") from None

    def catch_up(self, events: Sequence[Event], ledger_id: str) -> None:
        """Add the lines that are missing, durably. Raises: ZoneFault."""
        try:
            with self._locked(os.O_RDWR | os.O_APPEND | os.O_CREAT, fcntl.LOCK_EX) as descriptor:
                known = {seen.head.seq for seen in self._read(descriptor) if seen.head is not None}
                missing = [e for e in events if e.kind in WITNESSED and e.seq not in known]
                if not missing:
                    return
                start = b"\n" if self._is_cut_short(descriptor) else b""
                content = start + b"".join(_line(event, ledger_id) + b"\n" for event in missing)
                while content:
                    content = content[os.write(descriptor, content) :]
                os.fsync(descriptor)
            sync_folder(self.path.parent)
        except OSError:
            raise self._unwritable("written. The event is in the ledger; its line is added at the next run") from None

    def _unwritable(self, what: str) -> ZoneFault:
        advice = "Check that its disk is there, has room and can be written"
        return ZoneFault("witness_unwritable", f"the witness file cannot be {what}", where=str(self.path), do=advice)

    @contextmanager
    def _locked(self, flags: int, kind: int) -> Iterator[int]:
        descriptor = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield descriptor
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> list[Seen]:
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            stream.seek(0)
            lines = stream.read().split(b"\n")
        return [self._line_seen(n, line) for n, line in enumerate(lines, start=1) if line]

    def _line_seen(self, number: int, line: bytes) -> Seen:
        place = f"{self.path}:{number}"
        try:
            head = _head(json.loads(line))
        except (ValueError, RecursionError):
            head = None
        whole = head is not None and canonical_bytes(head) == line
        return Seen(place, head) if whole else Seen(place, None, line)

    def _is_cut_short(self, descriptor: int) -> bool:
        size = os.fstat(descriptor).st_size
        return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def card_heads(releases: Path) -> list[Seen]:
    """The ledger heads on all cards under `releases`. A card that cannot be read is for `hearsafe verify` to name."""
    found: list[Seen] = []
    cards = sorted(Path(at, CARD_FILE) for at, _, names in os.walk(releases) if CARD_FILE in names)
    for path in cards:  # a release that is being named is gone from where it was: walking and reading pass over it
        try:
            card = json.loads(path.read_bytes())
            head = _head({name: card["ledger"]["head"][name] for name in Head.model_fields})
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            head = None
        if head is not None:
            found.append(Seen(str(path), head))
    return found


class Outside:
    """All witnesses and cards of a workspace. The default witness counts wherever it is; a named one is added to it."""

    def __init__(self, workspace: Workspace, witness: Path | None) -> None:
        default = Witness(workspace.ledger / DEFAULT_WITNESS)
        named = [] if witness is None else [Witness(witness.absolute())]
        self.witnesses = tuple(named + ([default] if not named or default.path.exists() else []))
        self._releases = workspace.releases

    def seen(self) -> tuple[list[Seen], list[Seen]]:
        """What witnesses and cards say. Read it before the ledger: then the ledger can only be ahead."""
        return [line for witness in self.witnesses for line in witness.seen()], card_heads(self._releases)

    def catch_up(self, events: Sequence[Event], ledger_id: str) -> None:
        """Bring every witness up to the ledger. Raises: ZoneFault."""
        for witness in self.witnesses:
            witness.catch_up(events, ledger_id)

    def require_writable(self) -> None:
        """Raises: ZoneFault."""
        for witness in self.witnesses:
            witness.require_writable()

    def require_present(self, events: Sequence[Event]) -> None:
        """Raises: IntegrityFault `witness_missing`: charges were made that it must have seen."""
        for witness in self.witnesses:
            if not witness.path.exists() and any(event.kind is EventKind.CHARGED for event in events):
                what = "the witness file is missing, but the ledger holds charges that it must have seen"
                advice = "Bring the file back or name it with --witness; to begin a new one, create it empty first"
                raise IntegrityFault("witness_missing", what, where=str(witness.path), do=advice)


def require_not_behind(seen: tuple[list[Seen], list[Seen]], events: Sequence[Event], ledger_id: str) -> None:
    """Raises: IntegrityFault: the ledger lacks, or tells otherwise, what a witness or a card remembers."""
    lines, cards = seen
    for line in lines:
        if line.head is None:
            if not any(_line(event, ledger_id).startswith(line.fragment) for event in events):
                what = "this line of the witness file is damaged"
                raise IntegrityFault("witness_damaged", what, where=line.place, do="Restore the witness file")
        elif line.head.ledger_id != ledger_id:
            what = "the witness file has seen another ledger; a witness is for one ledger only"
            raise IntegrityFault("witness_foreign", what, where=line.place, do=_RESTORE)
    for remembered in (*lines, *cards):
        head = remembered.head
        if head is None or head.ledger_id != ledger_id:
            continue
        if not 0 < head.seq <= len(events):
            what = f"the ledger ends at event {len(events)}, but event {head.seq} was seen here: it was rolled back"
        elif events[head.seq - 1].hash != head.hash:
            what = (
                f"event {head.seq} of the ledger is another than the one seen here: there are two ledgers from one copy"
            )
        else:
            continue
        raise IntegrityFault("ledger_behind", what, where=remembered.place, do=_RESTORE)
