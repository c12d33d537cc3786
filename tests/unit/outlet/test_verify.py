import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.outlet.manifest import manifest_bytes, read_manifest, sha256
from pipelines.outlet.verify import read_card, verify
from schemas.canonical import canonical_bytes
from schemas.errors import IntegrityFault, UsageFault
from schemas.manifest import MANIFEST_FILE, RELEASED_FILES, fingerprint
from tests.outlet_sample import Sample


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "release"))


def test_a_release_verifies_and_says_whose_it_is(sample: Sample, published: Path) -> None:
    print_ = fingerprint(sample.context.ledger_public_key)
    plain, confirmed = verify(published), verify(published, print_)
    assert (plain.fingerprint, plain.confirmed) == (print_, False)
    assert confirmed.confirmed
    assert confirmed.head == sample.context.sealed
    assert confirmed.release_id == sample.context.charge.release_id
    for spelled in (
        print_[:16],
        print_[:20].upper(),
        "sha256:" + print_,
        " ".join(print_[i : i + 4] for i in range(0, 64, 4)),
    ):
        assert verify(published, spelled).confirmed


def test_another_key_is_an_integrity_fault(published: Path) -> None:
    with pytest.raises(IntegrityFault, match="another key"):
        verify(published, "0" * 64)


@pytest.mark.parametrize("key", ["", "abc", "f" * 15, "g" * 16, "f" * 65])
def test_what_is_no_fingerprint_is_a_usage_fault(published: Path, key: str) -> None:
    with pytest.raises(UsageFault):
        verify(published, key)


@pytest.mark.parametrize("name", [*RELEASED_FILES, MANIFEST_FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(IntegrityFault) as caught:
        verify(folder)
    assert caught.value.where == name


@pytest.mark.parametrize("name", [*RELEASED_FILES, MANIFEST_FILE])
@pytest.mark.parametrize(
    "change", [lambda b: b + b"\n", lambda b: b[:-1], lambda b: b"", lambda b: bytes([b[0] ^ 1]) + b[1:]]
)
def test_a_changed_file_is_named(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    with pytest.raises(IntegrityFault) as caught:
        verify(folder)
    assert caught.value.where == name


def test_additional_entries_are_named(folder: Path) -> None:
    for make in (lambda p: p.write_text("x"), lambda p: p.mkdir(), lambda p: p.symlink_to("card.json"), os.mkfifo):
        extra = folder / "responses.csv"
        make(extra)
        with pytest.raises(IntegrityFault) as caught:
            verify(folder)
        assert caught.value.where == "responses.csv"
        extra.rmdir() if extra.is_dir() else extra.unlink()


@pytest.mark.parametrize("name", [*RELEASED_FILES, MANIFEST_FILE])
def test_links_and_folders_in_place_of_a_file_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(IntegrityFault) as caught:
        verify(folder)
    assert caught.value.where == name
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(IntegrityFault):
        verify(folder)


def test_a_linked_or_absent_release_folder_is_refused(published: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(published)
    for wrong in (tmp_path / "link", tmp_path / "absent", published / MANIFEST_FILE):
        with pytest.raises(IntegrityFault):
            verify(wrong)


def test_manifest_has_one_byte_form(published: Path) -> None:
    content = (published / MANIFEST_FILE).read_bytes()
    manifest = json.loads(content)
    assert canonical_bytes(manifest) == content
    upper = manifest | {"signature": manifest["signature"].upper()}
    spaced = json.dumps(manifest, sort_keys=True).encode()
    doubled = content.replace(b'"format":', b'"format":"x","format":')
    escaped = content.replace(b"riverbend", b"\\u0072iverbend")
    for other in (
        canonical_bytes(upper),
        spaced,
        doubled,
        escaped,
        content + b"\n",
        b"\xef\xbb\xbf" + content,
        b'"\\ud800"',
        b"[" * 10**5,
    ):
        with pytest.raises(IntegrityFault):
            read_manifest(other)


def _resigned(folder: Path, sample: Sample, **changes: bytes) -> None:
    """Change files and sign again: what an owner of the key, or a fault of ours, could do."""
    files = {name: (folder / name).read_bytes() for name in RELEASED_FILES}
    for name, content in changes.items():
        files[name.replace("__", ".")] = content
    if "datapackage__json" not in changes:
        package = json.loads(files["datapackage.json"])
        for resource in package["resources"]:
            resource["hash"] = "sha256:" + sha256(files[resource["path"]])
        files["datapackage.json"] = json.dumps(package).encode()
    manifest = manifest_bytes(read_card(files["card.json"]), files, sample.sign)
    for name, content in (files | {MANIFEST_FILE: manifest}).items():
        (folder / name).write_bytes(content)


def _edited(folder: Path, *path: str | int, value: object) -> bytes:
    card = json.loads((folder / "card.json").read_bytes())
    place = card
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(card).encode()


LOSS = ("expert", "privacy_loss")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("release_id",), "0" * 32),
        (("ledger", "head", "seq"), 9),
        (("ledger", "head", "ledger_id"), "other"),
        ((*LOSS, "charge_nano_rho"), 1),
        ((*LOSS, "privacy_parameters", "rho"), 0.001),
        ((*LOSS, "privacy_parameters", "epsilon"), 0.5),
        ((*LOSS, "spent", "year", "spent_nano_rho"), 1),
        ((*LOSS, "spent", "lifetime", "spent_epsilon"), 0.1),
        ((*LOSS, "odds", "answered_pct"), 50.1),
        ((*LOSS, "odds", "failure"), 0.0),
        (("expert", "implementation", "measured", 0, "scale"), 1000.0),
        (("expert", "implementation", "measured", 0, "charge_nano_rho"), 1),
        (("expert", "implementation", "published", 0, "table"), "district"),
        (("expert", "model", "counted_on"), "spark cluster"),
        (("expert", "participation", "estimated_respondents"), 5000.0),
        (("instrument", "attributes", 0, "cells", 0, "code"), "other"),
    ],
)
def test_a_card_that_says_otherwise_than_the_files_is_refused_even_when_signed(
    sample: Sample, folder: Path, path: tuple[str | int, ...], value: object
) -> None:
    _resigned(folder, sample)
    verify(folder)
    _resigned(folder, sample, card__json=_edited(folder, *path, value=value))
    with pytest.raises(IntegrityFault):
        verify(folder)


def test_foreign_tables_are_refused_even_when_signed(sample: Sample, folder: Path) -> None:
    _resigned(folder, sample, estimates__parquet=(folder / "summary.parquet").read_bytes())
    with pytest.raises(IntegrityFault, match=r"estimates\.parquet"):
        verify(folder)


def test_a_foreign_report_is_refused_even_when_signed(sample: Sample, folder: Path) -> None:
    _resigned(folder, sample, report__html=b"<p>all is well</p>")
    with pytest.raises(IntegrityFault, match=r"report\.html"):
        verify(folder)


@pytest.mark.parametrize("content", [b"{}", b"[]", b"\xff", b'{"resources": [{"path": 1}]}'])
def test_a_foreign_data_package_is_refused_even_when_signed(sample: Sample, folder: Path, content: bytes) -> None:
    _resigned(folder, sample, datapackage__json=content)
    with pytest.raises(IntegrityFault, match=r"datapackage\.json"):
        verify(folder)
