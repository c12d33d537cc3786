"""What a workbook may unpack to: checked by unpacking it into nothing, because the sizes it declares can lie."""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from pipelines.intake.decode import open_source
from schemas.errors import InputRefused

MAX_UNPACKED_BYTES = 2 << 30
MAX_RATIO = 250
RATIO_FREE_BYTES = 32 << 20
MAX_MEMBERS = 10_000
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def check_archive(path: Path, limit: int = MAX_UNPACKED_BYTES) -> None:
    """Refuse an archive that unpacks beyond `limit`, or (above RATIO_FREE_BYTES) to more than MAX_RATIO times its size.

    Raises: InputRefused (`format_unreadable`, `archive_too_large`).
    """
    with open_source(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
            if len(members) > MAX_MEMBERS or any(m.flag_bits & 0x1 for m in members):
                raise _unreadable(path)
            unpacked = 0
            for member in members:
                unpacked = _unpack(file, member, unpacked, limit, path)
        except (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, NotImplementedError, EOFError):
            raise _unreadable(path) from None


def _unpack(file: BinaryIO, member: zipfile.ZipInfo, before: int, limit: int, path: Path) -> int:
    """Bytes unpacked in all after this member."""
    file.seek(member.header_offset)
    fields = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if fields[0] != b"PK\x03\x04":
        raise _unreadable(path)
    file.seek(fields[9] + fields[10], 1)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unreadable(path)
    if member.compress_type == zipfile.ZIP_STORED:
        return _within(before + member.compress_size, limit, path)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    left, done = member.compress_size, before
    while left > 0 and not inflate.eof:
        block = file.read(min(left, 1 << 16))
        if not block:
            raise EOFError
        left -= len(block)
        while block:
            done = _within(done + len(inflate.decompress(block, 1 << 20)), limit, path)
            block = inflate.unconsumed_tail
    if done - before > max(RATIO_FREE_BYTES, MAX_RATIO * member.compress_size):
        raise _too_large(path)
    return done


def _within(size: int, limit: int, path: Path) -> int:
    if size > limit:
        raise _too_large(path)
    return size


def _too_large(path: Path) -> InputRefused:
    return InputRefused(
        "archive_too_large",
        "the workbook unpacks to far more than its size",
        where=path.name,
        do="Export again as CSV",
    )


def _unreadable(path: Path) -> InputRefused:
    return InputRefused(
        "format_unreadable", "not a readable XLSX workbook", where=path.name, do="Export again as XLSX or CSV"
    )
