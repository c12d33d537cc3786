"""From bytes in whatever encoding to UTF-8: no row's bytes decide how another row is read."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schemas.errors import InputRefused

_BLOCK = 4 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ADVICE = "Declare the source's encoding, or export again as UTF-8"


_HOLES = "hearsafe-cp1252-holes"
codecs.register_error(_HOLES, lambda error: (error.object[error.start : error.end].decode("latin-1"), error.end))  # type: ignore[attr-defined]

LINE_BY_LINE = "line by line"


@dataclass(frozen=True)
class Encoding:
    """A Python codec or LINE_BY_LINE, and how many leading bytes are a byte-order mark."""

    codec: str
    skip: int = 0


def encoding_of(path: Path, declared: str = "auto") -> Encoding:
    """The encoding of a text file, proved on the whole file.

    `auto`: a byte-order mark decides; then UTF-16 without one, told by where the header's zero bytes are; else each
    line is decoded on its own (`LINE_BY_LINE`), so that no respondent's bytes change how another's are read.

    Raises: InputRefused: empty, unreadable, of an unknown codec, or not of the declared encoding.
    """
    with open_source(path) as file:
        start = file.read(4096)
    if not start:
        raise InputRefused("source_empty", "the file is empty", where=path.name, do="Export again")
    bom = next(((codec, len(mark)) for mark, codec in _BOMS if start.startswith(mark)), None)
    if declared != "auto":
        return _declared(path, declared, bom)
    found = Encoding(*bom) if bom is not None else _utf16_guess(start)
    if found is None or found.codec == "utf-8":
        return Encoding(LINE_BY_LINE, found.skip if found is not None else 0)
    _prove(path, found)
    return found


def utf8_blocks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """The file as UTF-8 without byte-order mark, in blocks of bounded size.

    Raises: InputRefused (`encoding_unreadable`).
    """
    if encoding.codec == LINE_BY_LINE:
        yield from _line_by_line(path, encoding.skip)
        return
    decoder = None if encoding.codec == "utf-8" else codecs.getincrementaldecoder(encoding.codec)("strict")
    with open_source(path) as file:
        file.seek(encoding.skip)
        while block := file.read(_BLOCK):
            yield block if decoder is None else _decoded(decoder, block, path).encode()
    if decoder is not None:
        yield _decoded(decoder, b"", path, final=True).encode()


def _line_by_line(path: Path, skip: int) -> Iterator[bytes]:
    """Each line as UTF-8 where it is that, else as Windows-1252 with its five holes as control characters.

    A line of several blocks is cut at their borders: what it then loses is its own.
    """
    rest = b""
    with open_source(path) as file:
        file.seek(skip)
        while block := file.read(_BLOCK):
            block = rest + block
            cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1 or len(block)
            rest = block[cut:]
            yield _lines_as_utf8(block[:cut])
    yield _lines_as_utf8(rest)


def _lines_as_utf8(block: bytes) -> bytes:
    try:
        block.decode()
    except UnicodeDecodeError:
        return b"".join(_line_as_utf8(line) for line in block.splitlines(keepends=True))
    return block


def _line_as_utf8(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", _HOLES).encode()
    return line


def leading_text(path: Path, encoding: Encoding, limit: int = 4 << 20) -> str:
    """At least the first `limit` bytes of the file as text, or all of it."""
    parts: list[bytes] = []
    size = 0
    for block in utf8_blocks(path, encoding):
        parts.append(block)
        size += len(block)
        if size >= limit:
            break
    return b"".join(parts).decode("utf-8", "ignore")


class BlockReader(io.RawIOBase):
    """Blocks of bytes as a readable binary file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def open_source(path: Path) -> BinaryIO:
    """The file, opened for reading. Raises: InputRefused (`source_missing`, `source_unreadable`)."""
    if not path.exists():
        raise InputRefused("source_missing", "no such file", where=path.name, do="Check the path")
    if not path.is_file():
        raise InputRefused("source_missing", "not a file", where=path.name, do="Name the export file itself")
    try:
        return path.open("rb")
    except OSError:
        raise InputRefused(
            "source_unreadable", "cannot be opened", where=path.name, do="Check its permissions"
        ) from None


def _declared(path: Path, name: str, bom: tuple[str, int] | None) -> Encoding:
    try:
        codec = codecs.lookup(name).name
        codecs.getincrementaldecoder(codec)("strict")
        "".encode(codec)
    except (LookupError, ValueError):
        raise InputRefused(
            "encoding_unknown", f"encoding {name!r} is not known", where=path.name, do="Use a Python codec name or auto"
        ) from None
    codec = "utf-8" if codec == "utf-8-sig" else codec
    if bom is not None and bom[0].startswith(codec):
        codec = bom[0]
    elif codec in ("utf-16", "utf-32"):
        codec += "-le"
    found = Encoding(codec, bom[1] if bom is not None and bom[0] == codec else 0)
    _prove(path, found)
    return found


def _prove(path: Path, encoding: Encoding) -> None:
    """Raises: InputRefused: the file is not of the encoding throughout. It does not say where: that is content."""
    decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
    with open_source(path) as file:
        file.seek(encoding.skip)
        while block := file.read(_BLOCK):
            if encoding.codec != "utf-8" or decoder.getstate()[0] or not block.isascii():
                _decoded(decoder, block, path)
    _decoded(decoder, b"", path, final=True)


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, path: Path, *, final: bool = False) -> str:
    try:
        return decoder.decode(block, final)
    except UnicodeError:
        raise InputRefused(
            "encoding_unreadable", "is not of its encoding throughout", where=path.name, do=_ADVICE
        ) from None


def _utf16_guess(start: bytes) -> Encoding | None:
    """UTF-16 without a mark: a header of mostly Western letters has zeros in every other byte."""
    header = start[: start.find(b"\n") + 1 or len(start)]
    pairs = len(header) // 2
    if not pairs:
        return None
    low, high = header[1 : 2 * pairs : 2].count(0) / pairs, header[0 : 2 * pairs : 2].count(0) / pairs
    if low > 0.4 and high < 0.1:
        return Encoding("utf-16-le")
    return Encoding("utf-16-be") if high > 0.4 and low < 0.1 else None
