"""What a run does to its disk, call by call, as `strace` saw it: writes, syncs, names made, moved and removed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
_CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,ftruncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,"
    "sync_file_range,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat"
)
_LONGEST_STRING = 1 << 24
_WHOLE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)")
_BEGUN = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_ENDED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_PLACE = re.compile(r"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>")

Kind = Literal["open", "create", "write", "truncate", "sync", "move", "link", "remove", "folder"]


@dataclass(frozen=True)
class Op:
    """One change that succeeded. Places are relative to the folder that was watched.

    `open`, `create`: for writing, at the end where `offset` is -1. `sync`: of a file's content, or of a folder's names.
    `write`: `content` at `offset`, or where the last write ended. `truncate`: to `offset` bytes. `move`: to `target`. `link`: `target` is another name of it.
    """

    kind: Kind
    place: Path
    offset: int | None = None
    content: bytes = b""
    target: Path | None = None


class Unforeseen(Exception):
    """A call that changes the disk in a way that is not understood here."""


def is_here() -> bool:
    """Whether strace is installed and may trace."""
    tool = shutil.which("strace")
    return tool is not None and subprocess.run([tool, "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def traced(module: str, arguments: Sequence[str], watched: Path, log: Path) -> list[Op]:
    """Run a module of the tests to its end under strace. Returns: what it did below `watched`, in order.

    Raises: subprocess.CalledProcessError: it failed. Unforeseen.
    """
    command = ["strace", "-f", "-y", "-xx", "-s", str(_LONGEST_STRING), "--seccomp-bpf", "-o", str(log)]
    command += ["-e", f"trace={_CALLS}", sys.executable, "-m", module, *arguments]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=600)
    return list(_ops(log, watched))


def _calls(log: Path) -> Iterator[tuple[str, str, int]]:
    """(name, arguments, result) of every call, when it ended."""
    begun: dict[tuple[str, str], str] = {}
    with log.open(encoding="ascii") as lines:
        for line in lines:
            if found := _WHOLE.match(line):
                yield found[2], found[3], int(found[4])
            elif found := _BEGUN.match(line):
                begun[found[1], found[2]] = found[3]
            elif found := _ENDED.match(line):
                yield found[2], begun.pop((found[1], found[2])) + found[3], int(found[4])


def _text(coded: str) -> bytes:
    return bytes.fromhex(coded.replace("\\x", ""))


class _Call:
    """The arguments of one call: descriptors with their paths, and strings."""

    def __init__(self, arguments: str) -> None:
        self.plain = arguments
        self.parts = arguments.split(", ")
        self.places = [os.fsdecode(_text(coded)) for coded in _PLACE.findall(arguments)]
        self.strings = [_text(coded) for coded in _STRING.findall(arguments)]

    def path(self, number: int, *, at: bool) -> Path:
        """The path of the string of this number; `at`: relative to the descriptor of the same number."""
        named = os.fsdecode(self.strings[number])
        return Path(os.path.normpath(os.path.join(self.places[number], named) if at else named))


def _ops(log: Path, watched: Path) -> Iterator[Op]:
    root = Path(os.path.realpath(watched))
    coded = "".join(f"\\x{byte:02x}" for byte in os.fsencode(root))
    for name, arguments, result in _calls(log):
        if result < 0 or coded not in arguments:
            continue
        for op in _understood(name, _Call(arguments), result):
            if op.place.is_relative_to(root):
                target = None if op.target is None else op.target.relative_to(root)
                yield Op(op.kind, op.place.relative_to(root), op.offset, op.content, target)


def _understood(name: str, call: _Call, result: int) -> Iterator[Op]:
    if name in {"openat", "open", "creat"}:
        yield from _opened(name, call)
    elif name in {"write", "pwrite64"}:
        place = Path(call.places[0])
        if place.is_absolute():
            yield Op("write", place, int(call.parts[-1]) if name == "pwrite64" else None, call.strings[0][:result])
    elif name == "writev":
        yield Op("write", Path(call.places[0]), None, b"".join(call.strings)[:result])
    elif name in {"fsync", "fdatasync"}:
        yield Op("sync", Path(call.places[0]))
    elif name == "ftruncate":
        yield Op("truncate", Path(call.places[0]), int(call.parts[-1]))
    elif name in {"rename", "renameat", "renameat2"}:
        at = name != "rename"
        yield Op("move", call.path(0, at=at), target=call.path(1, at=at))
    elif name in {"link", "linkat"}:
        at = name == "linkat"
        yield Op("link", call.path(0, at=at), target=call.path(1, at=at))
    elif name in {"unlink", "unlinkat", "rmdir"}:
        yield Op("remove", call.path(0, at=name == "unlinkat"))
    elif name in {"mkdir", "mkdirat"}:
        yield Op("folder", call.path(0, at=name == "mkdirat"))
    else:
        raise Unforeseen(f"{name}({call.plain[:200]})")


def _opened(name: str, call: _Call) -> Iterator[Op]:
    place = call.path(0, at=name == "openat")
    start = -1 if "O_APPEND" in call.plain else 0
    if "O_CREAT" in call.plain or name == "creat":
        yield Op("create", place, start)
    elif "O_RDONLY" not in call.plain:
        yield Op("open", place, start)
    if "O_TRUNC" in call.plain or name == "creat":
        yield Op("truncate", place, 0)
