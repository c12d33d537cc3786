"""Small files that must survive a crash: keys, witness lines, seals."""

import errno
import os
import secrets
from glob import escape
from pathlib import Path

_ASIDE = ".part"


def write_private(path: Path, content: bytes) -> None:
    """Create a file only its owner can read, whole and durable or not at all; never overwrites.

    It is written aside and named when it is on the disk: a power cut leaves no empty key under a key's name.

    Raises: OSError, FileExistsError among them.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_ASIDE}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        name_file(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def name_file(aside: Path, path: Path) -> None:
    """Give a finished file its name. Raises: FileExistsError: it is taken. OSError."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        linked = False
    else:
        linked = True
    if not linked:  # a file system without hard links, such as a memory stick's: an empty file claims the name
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            aside.rename(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it that are missing, durably: a file is only as sure as the names on its way.

    `mode`: of the folder itself. Raises: OSError.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=mode if path == folder else 0o777, exist_ok=True)
        sync_folder(path.parent)


def destroy(path: Path) -> bool:
    """Overwrite a small file and remove it, durably, with what a crash left of its writing.

    Returns: whether there was one.

    What a disk keeps of overwritten blocks, and what backups hold, is beyond this: a destroyed key must go there too.

    Raises: OSError.
    """
    left = list(path.parent.glob(f".{escape(path.name)}.*{_ASIDE}"))
    found = [overwritten for name in (path, *left) if (overwritten := _overwrite(name)) is not None]
    for name in found:
        name.unlink()
    if found:
        sync_folder(path.parent)
    return path in found


def _overwrite(path: Path) -> Path | None:
    """The file, whose content is gone; None where there is none. Raises: OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_bytes(os.fstat(stream.fileno()).st_size))
        stream.flush()
        os.fsync(stream.fileno())
    return path


def sync_folder(folder: Path) -> None:
    """Make creations and renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
