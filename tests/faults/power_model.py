"""A disk that may lose its power: what was not synced may or may not be there afterwards, in any mixture.

As POSIX has it, and more unkindly than any usual file system: `fsync` of a file saves its content and not its name,
`fsync` of a folder saves the names in it and nothing below. Unsynced names come back in order, as a journal would bring
them; unsynced writes in any choice, one of them cut at a multiple of 512 bytes.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.power_trace import Op

SECTOR = 512
_CHANCE = random.SystemRandom()


@dataclass
class File:
    """Content as it is, as it is sure to be after a power cut, and the writes between the two."""

    now: bytearray = field(default_factory=bytearray)
    sure: bytes = b""
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, content), or (size, None) where it was truncated."""
    position: int = 0

    def write(self, offset: int | None, content: bytes) -> None:
        start = self.position if offset is None else offset
        self.unsynced.append((start, content))
        _apply(self.now, (start, content))
        if offset is None:
            self.position = start + len(content)

    def truncate(self, size: int) -> None:
        self.unsynced.append((size, None))
        _apply(self.now, (size, None))

    def sync(self) -> None:
        self.sure = bytes(self.now)
        self.unsynced.clear()


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    start, written = change
    size = start if written is None else max(len(content), start + len(written))
    content.extend(bytes(max(0, size - len(content))))
    if written is None:
        del content[size:]
    else:
        content[start : start + len(written)] = written


Names = dict[str, "File | Folder"]


@dataclass
class Folder:
    """Names as they are, as they are sure to be, and the changes between the two, in order."""

    now: Names = field(default_factory=dict[str, "File | Folder"])
    sure: Names = field(default_factory=dict[str, "File | Folder"])
    unsynced: list[Callable[[Names], None]] = field(default_factory=list[Callable[[Names], None]])

    def change(self, how: Callable[[Names], None]) -> None:
        how(self.now)
        self.unsynced.append(how)

    def sync(self) -> None:
        self.sure = dict(self.now)
        self.unsynced.clear()


def loaded(folder: Path) -> Folder:
    """A folder of the real disk, all of it durable."""
    found = Folder()
    for path in folder.iterdir():
        content = b"" if path.is_dir() else path.read_bytes()
        found.now[path.name] = loaded(path) if path.is_dir() else File(bytearray(content), content)
    found.sync()
    return found


class Disk:
    """The watched folder. Beside the one named `at_risk`, all that is in it is the test's own, and never lost."""

    def __init__(self, start: Path, at_risk: str) -> None:
        self.top = loaded(start)
        self._at_risk = at_risk

    def at(self, place: Path) -> "File | Folder | None":
        found: File | Folder | None = self.top
        for name in place.parts:
            found = found.now.get(name) if isinstance(found, Folder) else None
        return found

    def _parent(self, place: Path) -> Folder:
        parent = self.at(place.parent)
        assert isinstance(parent, Folder), place
        return parent

    def do(self, op: Op) -> None:
        """Carry out one call."""
        found = self.at(op.place)
        if op.kind in {"open", "create", "folder"}:
            if found is None:
                found = Folder() if op.kind == "folder" else File()
                _put(self._parent(op.place), op.place.name, found)
            if isinstance(found, File):
                found.position = len(found.now) if op.offset == -1 else 0
        elif op.kind == "move":
            assert op.target is not None and op.target.parent == op.place.parent, op
            _move(self._parent(op.place), op.place.name, op.target.name)
        elif op.kind == "link":
            assert op.target is not None and isinstance(found, File), op
            _put(self._parent(op.target), op.target.name, found)
        elif op.kind == "remove":
            _remove(self._parent(op.place), op.place.name)
        elif op.kind == "sync":
            assert found is not None, op
            found.sync()
        elif isinstance(found, File):
            self._content(found, op)

    @staticmethod
    def _content(file: File, op: Op) -> None:
        if op.kind == "write":
            file.write(op.offset, op.content)
        else:
            file.truncate(op.offset or 0)

    def write_out(self, folder: Path, chance: float | None) -> None:
        """Make the disk as it may be after a power cut. `chance`: of each unsynced change to be there; None: a mixture."""
        _write_names(self.top.now, folder, 1.0, self._at_risk, chance)


def _put(parent: Folder, name: str, what: File | Folder) -> None:
    parent.change(lambda names: names.update({name: what}))


def _move(parent: Folder, old: str, new: str) -> None:
    def move(names: Names) -> None:
        if old in names:
            names[new] = names.pop(old)

    parent.change(move)


def _remove(parent: Folder, name: str) -> None:
    parent.change(lambda names: names.pop(name, None) and None)


def _write_names(
    names: Names, folder: Path, inside: float | None, at_risk: str = "", there: float | None = 1.0
) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, found in names.items():
        chance = there if name == at_risk else inside
        if isinstance(found, Folder):
            kept = dict(found.sure)
            for change in found.unsynced[: _how_many(len(found.unsynced), chance)]:
                change(kept)
            _write_names(kept, folder / name, chance)
        else:
            (folder / name).write_bytes(_content_of(found, chance))


def _how_many(changes: int, chance: float | None) -> int:
    return _CHANCE.randint(0, changes) if chance is None else round(changes * chance)


def _content_of(file: File, chance: float | None) -> bytes:
    content = bytearray(file.sure)
    for start, written in file.unsynced:
        kept = _CHANCE.random() < 0.5 if chance is None else bool(chance)
        if kept and written is not None and chance is None and _CHANCE.random() < 0.2:
            cut = _CHANCE.randrange(0, len(written) + 1, SECTOR)
            _apply(content, (start, written[:cut]))
        elif kept:
            _apply(content, (start, written))
    return bytes(content)
