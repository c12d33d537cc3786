"""Small files that must survive a crash: keys, witness lines, seals."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Create a file only its owner can read, durably; never overwrites. Raises: OSError, FileExistsError among them."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)


def destroy(path: Path) -> bool:
    """Overwrite a small file and remove it, durably. Returns: whether there was one. Raises: OSError.

    What a disk keeps of overwritten blocks, and what backups hold, is beyond this: a destroyed key must go there too.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_bytes(os.fstat(stream.fileno()).st_size))
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Make creations and renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
