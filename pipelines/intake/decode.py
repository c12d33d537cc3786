"""From bytes in whatever encoding to UTF-8, strictly: a file that cannot be read whole is refused before any row."""

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


@dataclass(frozen=True)
class Encoding:
    """A Python codec, and how many leading bytes are a byte-order mark."""

    codec: str
    skip: int = 0


def encoding_of(path: Path, declared: str = "auto") -> Encoding:
    """The encoding of a text file, proved on the whole file.

    `auto`: a byte-order mark decides; then UTF-16 without one, told by where its zero bytes are; then UTF-8; then
    Windows-1252; then Latin-1. A file that is UTF-8 with accents up to some byte and not after it is refused:
    read as Windows-1252, every accented answer would turn invalid without a word.

    Raises: InputRefused: empty, unreadable, of an unknown codec, or not of the declared encoding.
    """
    with open_source(path) as file:
        start = file.read(4096)
    if not start:
        raise InputRefused("source_empty", "the file is empty", where=path.name, do="Export again")
    bom = next(((codec, len(mark)) for mark, codec in _BOMS if start.startswith(mark)), None)
    if declared != "auto":
        return _declared(path, declared, bom)
    if bom is not None:
        found = Encoding(*bom)
        _prove(path, found)
        return found
    for codec in _utf16_guess(start):
        if _failure(path, Encoding(codec)) is None:
            return Encoding(codec)
    failure = _failure(path, Encoding("utf-8"))
    if failure is None:
        return Encoding("utf-8")
    if _has_accents_before(path, failure):
        raise InputRefused(
            "encoding_unreadable", f"is UTF-8 up to byte {failure}, and no longer there", where=path.name, do=_ADVICE
        )
    return Encoding("cp1252") if _failure(path, Encoding("cp1252")) is None else Encoding("latin-1")


def utf8_blocks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """The file as UTF-8 without byte-order mark, in blocks of bounded size.

    Raises: InputRefused (`encoding_unreadable`).
    """
    decoder = None if encoding.codec == "utf-8" else codecs.getincrementaldecoder(encoding.codec)("strict")
    with open_source(path) as file:
        file.seek(encoding.skip)
        while block := file.read(_BLOCK):
            yield block if decoder is None else _decoded(decoder, block, path).encode()
    if decoder is not None:
        yield _decoded(decoder, b"", path, final=True).encode()


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
    failure = _failure(path, encoding)
    if failure is not None:
        raise InputRefused(
            "encoding_unreadable", f"is not {encoding.codec} at byte {failure}", where=path.name, do=_ADVICE
        )


def _failure(path: Path, encoding: Encoding) -> int | None:
    """The first byte at which the file is not of the encoding, or None."""
    decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
    done = encoding.skip
    with open_source(path) as file:
        file.seek(done)
        while True:
            block = file.read(_BLOCK)
            pending = len(decoder.getstate()[0])
            if encoding.codec == "utf-8" and not pending and block.isascii():
                if not block:
                    return None
                done += len(block)
                continue
            try:
                decoder.decode(block, final=not block)
            except UnicodeError as problem:
                return done - pending + getattr(problem, "start", 0)
            if not block:
                return None
            done += len(block)


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, path: Path, *, final: bool = False) -> str:
    try:
        return decoder.decode(block, final)
    except UnicodeError:
        raise InputRefused("encoding_unreadable", "cannot be decoded", where=path.name, do=_ADVICE) from None


def _has_accents_before(path: Path, offset: int) -> bool:
    with open_source(path) as file:
        left = offset
        while left > 0:
            block = file.read(min(_BLOCK, left))
            if not block.isascii():
                return True
            left -= len(block)
    return False


def _utf16_guess(start: bytes) -> tuple[str, ...]:
    """UTF-16 without a mark: text of mostly Western letters has zeros in every other byte."""
    pairs = len(start) // 2
    if not pairs:
        return ()
    low, high = start[1 : 2 * pairs : 2].count(0) / pairs, start[0 : 2 * pairs : 2].count(0) / pairs
    if low > 0.4 and high < 0.1:
        return ("utf-16-le",)
    if high > 0.4 and low < 0.1:
        return ("utf-16-be",)
    return ()
