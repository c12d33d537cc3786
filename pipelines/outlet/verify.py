"""Verification: what anybody can prove about a release folder, without the zone and without the ledger."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from pipelines.outlet.agreement import check_card_numbers, check_estimates, check_measurements, check_summary
from pipelines.outlet.datapackage import PARQUET_FILES
from pipelines.outlet.manifest import read_manifest, sha256
from pipelines.outlet.parquet import FORMAT, read_parquet
from schemas.card import Card
from schemas.errors import IntegrityFault, UsageFault
from schemas.ledger import Head
from schemas.manifest import (
    CARD_FILE,
    DATAPACKAGE_FILE,
    ESTIMATES_FILE,
    MANIFEST_FILE,
    MEASUREMENTS_FILE,
    RELEASED_FILES,
    REPORT_FILE,
    SUMMARY_FILE,
    Manifest,
    fingerprint,
)

SHORTEST_KEY = 16
"""Hexadecimal digits of a fingerprint that a reader must give at least: 64 bits."""

_WHOLE_COPY = "Use a whole copy of the release, as its owner publishes it"


@dataclass(frozen=True)
class Verification:
    """A release that holds together. `confirmed`: whether its key is the one that the reader named."""

    release_id: str
    survey: str
    wave: str
    fingerprint: str
    confirmed: bool
    head: Head
    charge_nano_rho: int
    card: Card
    measurements: pa.Table
    estimates: pa.Table
    summary: pa.Table


def parquet_metadata(card: Card) -> dict[str, str]:
    """The hearsafe metadata that each Parquet file of a release carries, as text."""
    parameters = card.expert.privacy_loss.privacy_parameters
    return {
        "release_id": card.release_id,
        "survey": card.survey,
        "wave": card.wave,
        "charge_nano_rho": str(card.expert.privacy_loss.charge_nano_rho),
        "rho": repr(parameters.rho),
        "epsilon": "" if parameters.epsilon is None else repr(parameters.epsilon),
        "delta": repr(parameters.delta),
        "pure_epsilon": "" if parameters.pure_epsilon is None else repr(parameters.pure_epsilon),
        "ledger_id": card.ledger.head.ledger_id,
        "ledger_head_seq": str(card.ledger.head.seq),
        "ledger_head_hash": card.ledger.head.hash,
    }


def verify(folder: Path, key: str | None = None) -> Verification:
    """Check files, digests, signature, card, data package and tables against each other.

    `key`: fingerprint of the ledger's public key as its owner publishes it, or its first 16 hexadecimal digits and
    more; without it the signature only proves that the files belong together.

    Raises: UsageFault: `key` is not a fingerprint. IntegrityFault: names the file that does not agree.
    """
    return verify_files(read_folder(folder), key)


def verify_files(files: Mapping[str, bytes], key: str | None = None) -> Verification:
    """The same of a release's files, the manifest among them, wherever they were read from.

    Raises: as `verify`.
    """
    wanted = None if key is None else _fingerprint_of(key)
    manifest = read_manifest(files[MANIFEST_FILE])
    found = fingerprint(manifest.ledger.public_key)
    if wanted is not None and not found.startswith(wanted):
        raise IntegrityFault(
            "key_differs",
            "the release is signed by another key than the one given",
            where=MANIFEST_FILE,
            do="Do not trust it unless its owner confirms this key",
        )
    _check_digests(manifest, files)
    card = read_card(files[CARD_FILE])
    _check_card(card, manifest)
    tables = {name: _table(files[name], name, card) for name in PARQUET_FILES}
    check_measurements(card, tables[MEASUREMENTS_FILE])
    check_estimates(card, tables[ESTIMATES_FILE])
    check_summary(card, tables[SUMMARY_FILE])
    check_card_numbers(card, tables[ESTIMATES_FILE])
    _check_datapackage(files[DATAPACKAGE_FILE], manifest, card)
    if card.release_id.encode() not in files[REPORT_FILE] or found.encode() not in files[REPORT_FILE]:
        raise IntegrityFault("report_foreign", "the report is not of this release", where=REPORT_FILE)
    return Verification(
        release_id=manifest.release_id,
        survey=manifest.survey,
        wave=manifest.wave,
        fingerprint=found,
        confirmed=wanted is not None,
        head=manifest.ledger.head,
        charge_nano_rho=manifest.charge_nano_rho,
        card=card,
        measurements=tables[MEASUREMENTS_FILE],
        estimates=tables[ESTIMATES_FILE],
        summary=tables[SUMMARY_FILE],
    )


def _fingerprint_of(key: str) -> str:
    digits = key.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if not SHORTEST_KEY <= len(digits) <= 64 or any(c not in "0123456789abcdef" for c in digits):
        raise UsageFault(
            "key_form", "this is not a fingerprint", where="--key", do=f"Give {SHORTEST_KEY} to 64 hexadecimal digits"
        )
    return digits


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a release folder once, so that all checks speak of the same bytes. Raises: IntegrityFault."""
    if folder.is_symlink() or not folder.is_dir():
        advice = "Name a release folder, or the id of a release in the workspace"
        raise IntegrityFault("release_missing", "there is no release folder", where=folder.name, do=advice)
    with os.scandir(folder) as entries:
        found = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    require_names(found)
    return {name: _read(folder / name) for name in (MANIFEST_FILE, *RELEASED_FILES)}


def require_names(found: Mapping[str, bool]) -> None:
    """What is in a release's place is its files and nothing else. `found`: name → whether it is a file.

    Raises: IntegrityFault.
    """
    for name, is_file in sorted(found.items()):
        if name not in {*RELEASED_FILES, MANIFEST_FILE}:
            what = "this does not belong to the release"
            raise IntegrityFault("file_additional", what, where=name, do="Move it out of the release folder")
        if not is_file:
            raise IntegrityFault("file_not_regular", "this is a link or a folder, not a file", where=name)
    for name in (MANIFEST_FILE, *RELEASED_FILES):
        if name not in found:
            raise IntegrityFault("file_missing", "the file is missing", where=name, do=_WHOLE_COPY)


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        raise IntegrityFault("file_unreadable", "the file cannot be read", where=path.name) from None
    with os.fdopen(descriptor, "rb") as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise IntegrityFault("file_not_regular", "this is a link or a folder, not a file", where=path.name)
        return source.read()


def _check_digests(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    if set(manifest.files) != set(RELEASED_FILES):
        raise IntegrityFault("manifest_files", "the manifest does not list the files of a release", where=MANIFEST_FILE)
    for name in RELEASED_FILES:
        if sha256(files[name]) != manifest.files[name]:
            what = "the file is not the one that was signed"
            raise IntegrityFault("file_changed", what, where=name, do=_WHOLE_COPY)


def read_card(content: bytes) -> Card:
    """A release card from its file. Raises: IntegrityFault: it is none."""
    try:
        return Card.model_validate_json(content)
    except ValidationError:
        raise IntegrityFault("card_damaged", "the release card is not readable", where=CARD_FILE) from None


def _check_card(card: Card, manifest: Manifest) -> None:
    ledger, loss = card.ledger, card.expert.privacy_loss
    said = (
        (card.release_id, manifest.release_id),
        ((card.survey, card.wave), (manifest.survey, manifest.wave)),
        (card.expert.governance.plan_digest, manifest.plan_digest),
        (loss.charge_nano_rho, manifest.charge_nano_rho),
        (loss.charge_nano_pure_epsilon, manifest.charge_nano_pure_epsilon),
        ((ledger.id, ledger.public_key), (manifest.ledger.id, manifest.ledger.public_key)),
        ((ledger.charged_seq, ledger.head), (manifest.ledger.charged_seq, manifest.ledger.head)),
        (ledger.fingerprint, fingerprint(manifest.ledger.public_key)),
        (ledger.head.ledger_id, ledger.id),
    )
    if any(on_card != in_manifest for on_card, in_manifest in said) or ledger.head.seq <= ledger.charged_seq:
        raise IntegrityFault("card_foreign", "the card does not agree with the manifest", where=CARD_FILE)


def _table(content: bytes, name: str, card: Card) -> pa.Table:
    table, metadata = read_parquet(content, PARQUET_FILES[name], name)
    if metadata != {"format": FORMAT} | parquet_metadata(card):
        raise IntegrityFault("parquet_foreign", "the file's metadata does not agree with the card", where=name)
    return table


def _check_datapackage(content: bytes, manifest: Manifest, card: Card) -> None:
    try:
        package: dict[str, Any] = json.loads(content)
        resources = {resource["path"]: resource for resource in package["resources"]}
        hashes = {path: resource["hash"] for path, resource in resources.items()}
        names = {path: [field["name"] for field in resources[path]["schema"]["fields"]] for path in PARQUET_FILES}
        said = package["hearsafe"]
        stated = (package["id"], said["release_id"], said["charge_nano_rho"], said["ledger_head"])
    except (ValueError, KeyError, TypeError):
        raise IntegrityFault(
            "datapackage_damaged", "the data package is not readable", where=DATAPACKAGE_FILE
        ) from None
    described = {name: digest for name, digest in manifest.files.items() if name != DATAPACKAGE_FILE}
    agrees = (
        hashes == {name: f"sha256:{digest}" for name, digest in described.items()}
        and names == {path: schema.names for path, schema in PARQUET_FILES.items()}
        and stated
        == (card.release_id, card.release_id, manifest.charge_nano_rho, card.ledger.head.model_dump(mode="json"))
    )
    if not agrees:
        raise IntegrityFault(
            "datapackage_foreign", "the data package does not agree with the manifest", where=DATAPACKAGE_FILE
        )
