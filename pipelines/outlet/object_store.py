"""Releases in an object store, through PyArrow's S3 filesystem: visible whole, or not at all.

An object appears whole or not at all, but a release is seven of them. So the manifest is written last, after everything
else is there and was read back; who finds no manifest finds no release. The copy in the workspace stays the original.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from pipelines.outlet.verify import read_folder, require_names, verify_files
from schemas.errors import IntegrityFault, UsageFault, ZoneFault
from schemas.manifest import MANIFEST_FILE, RELEASED_FILES, fingerprint

if TYPE_CHECKING:
    from pyarrow.fs import S3FileSystem

_OPTIONS = frozenset({"endpoint_override", "scheme", "region"})
_SECONDS = 30.0
_PLAIN_UPLOADS = {
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}
"""Many servers that speak S3 refuse uploads with a trailing checksum. The manifest's SHA-256 is checked instead."""


def require_store_url(url: str) -> str:
    """An address that can be kept. Raises: UsageFault: it is none, or holds a password."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    fits = parts.scheme == "s3" and parts.netloc and "@" not in parts.netloc and not parts.fragment
    scheme = options.get("scheme", "https")
    if not fits or set(options) - _OPTIONS or scheme not in ("http", "https"):
        raise UsageFault(
            "store_address",
            "an object store is written s3://BUCKET/PREFIX, with ?endpoint_override=HOST&scheme=&region= where needed",
            where="--store",
            do="Give credentials in the AWS environment or its files, never in the address",
        )
    return url


@dataclass(frozen=True)
class _Place:
    """A folder of a bucket: `path` begins with the bucket's name."""

    files: "S3FileSystem"
    path: str


def _place(url: str, *below: str) -> _Place:
    from pyarrow import ArrowException
    from pyarrow.fs import S3FileSystem

    for name, value in _PLAIN_UPLOADS.items():
        os.environ.setdefault(name, value)
    parts = urlsplit(require_store_url(url))
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    try:
        files = S3FileSystem(**options, connect_timeout=_SECONDS, request_timeout=_SECONDS, background_writes=False)
    except (ArrowException, OSError):
        files = None
    if files is None:
        raise _unreachable("addressed so")
    return _Place(files, "/".join(p for p in (parts.netloc, parts.path.strip("/"), *below) if p))


def read_stored(url: str) -> dict[str, bytes]:
    """Every file of a release in a store. Raises: IntegrityFault: it is not there, or not its files. ZoneFault."""
    found = _read(_place(url))
    if found is None:
        raise IntegrityFault(
            "release_missing",
            "there is no release here, or it is not whole yet",
            where=urlsplit(url).path.rpartition("/")[2],
            do="Name s3://BUCKET/PREFIX/SURVEY/WAVE/ID of a published release",
        )
    return found


def _read(place: _Place) -> dict[str, bytes] | None:
    """The files of a release; None where no manifest says that it is whole."""
    from pyarrow.fs import FileSelector, FileType

    try:
        entries = place.files.get_file_info(FileSelector(place.path, allow_not_found=True))
        names = {entry.base_name: entry.type == FileType.File for entry in entries}
        if MANIFEST_FILE not in names:
            return None
        require_names(names)
        return {name: _content(place, name) for name in (MANIFEST_FILE, *RELEASED_FILES)}
    except OSError:
        pass_on = _unreachable("read")
    raise pass_on


def _content(place: _Place, name: str) -> bytes:
    with place.files.open_input_stream(f"{place.path}/{name}") as source:
        return bytes(source.read())


def publish_to_store(url: str, folder: Path, public_key: str) -> None:
    """Copy a published release to a store, manifest last; one that is there already stays, if it is the same release.

    What a run that was killed has left without a manifest is written again.

    Raises: IntegrityFault `release_differs`, or as `verify`: what was read back is not what was written. ZoneFault
        `store_unreachable`.
    """
    content = read_folder(folder)
    ours = verify_files(content, fingerprint(public_key))
    place = _place(url, ours.survey, ours.wave, ours.release_id)
    there = _read(place)
    if there is None:
        _write(place, content)
        there = _read(place) or {}
    theirs = verify_files(there, fingerprint(public_key)) if there else None
    if theirs is None or (theirs.release_id, theirs.head) != (ours.release_id, ours.head):
        raise _differs(place)
    if not theirs.measurements.equals(ours.measurements):
        raise _differs(place)


def _differs(place: _Place) -> IntegrityFault:
    return IntegrityFault(
        "release_differs",
        "another release is in this place of the object store",
        where=place.path,
        do="Find out who wrote it; a published release is never overwritten",
    )


def _write(place: _Place, content: Mapping[str, bytes]) -> None:
    """Everything but the manifest, read back, then the manifest. Raises: ZoneFault."""
    try:
        for name in RELEASED_FILES:
            _put(place, name, content[name])
        changed = next((name for name in RELEASED_FILES if _content(place, name) != content[name]), None)
        if changed is None:
            _put(place, MANIFEST_FILE, content[MANIFEST_FILE])
            return
    except OSError:
        changed = None
    if changed is not None:
        raise IntegrityFault("file_changed", "the object store does not return what it was given", where=changed)
    raise _unreachable("written")


def _put(place: _Place, name: str, content: bytes) -> None:
    with place.files.open_output_stream(f"{place.path}/{name}") as target:
        target.write(content)


def _unreachable(what: str) -> ZoneFault:
    return ZoneFault(
        "store_unreachable",
        f"the object store cannot be {what}",
        where="--store",
        do="Check address, bucket and credentials, and run it again: a release is paid for, and in the workspace",
    )
