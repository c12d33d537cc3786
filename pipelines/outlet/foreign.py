"""What lies among the releases and is none of them: only what the ledger has on record may be there.

A file beside a release is published with it. Counts without noise beside noisy ones undo the noise.
"""

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from schemas.errors import IntegrityFault
from schemas.manifest import MANIFEST_FILE, RELEASED_FILES

_RELEASE_DEPTH = 3
"""releases/<survey>/<wave>/<release-id>."""
_RELEASE_ID = re.compile(r"[0-9a-f]{32}")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.[A-Za-z0-9_]+")
"""What a run that was killed leaves; the next run of that release removes it."""


def foreign_files(releases: Path) -> list[Path]:
    """Everything under `releases` that is no file of a release, sorted. Links and folders within a release count."""
    return sorted(_foreign(releases, 0, frozenset()))


def _foreign(folder: Path, depth: int, own: Collection[str]) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except FileNotFoundError:  # moved away, or named, since the folder above was read
        entries = []
    for entry in entries:
        at_release = depth == _RELEASE_DEPTH - 1
        if depth < _RELEASE_DEPTH and entry.is_dir() and not (at_release and entry.is_symlink()):
            is_release = at_release and (_RELEASE_ID.fullmatch(entry.name) or _UNFINISHED.fullmatch(entry.name))
            inside = {*RELEASED_FILES, MANIFEST_FILE} if is_release else own
            yield from _foreign(Path(entry.path), depth + 1, inside)
        elif entry.name not in own or not entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def require_registered(releases: Path, registered: Callable[[], Collection[str | None]]) -> None:
    """Raises: IntegrityFault `file_unregistered`: naming the first foreign file whose digest is not in `registered`.

    `registered` is asked after the files were seen, so that what was put on record and then brought here counts.
    """
    found = [(path, file_digest(path)) for path in foreign_files(releases)]
    known = registered() if found else ()
    for path, content in found:
        if content not in known and os.path.lexists(path):
            raise IntegrityFault(
                "file_unregistered",
                "this is no file of a release and the ledger does not have it on record",
                where=str(path.relative_to(releases.parent)),
                do="Move it elsewhere, or put on record that it is published: hearsafe register",
            )


def file_digest(path: Path) -> str:
    """SHA-256 of a regular file; of anything else, or where it cannot be read, a text that no digest is."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "unreadable"
