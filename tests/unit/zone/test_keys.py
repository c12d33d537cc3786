"""Keys are 32 bytes, private on disk, wrapped, and wrong ones are refused with exit code 5."""

import os
from pathlib import Path

import pytest

from pipelines.zone import keys
from schemas.errors import UsageFault, ZoneFault


def test_round_trip_and_permissions(tmp_path: Path) -> None:
    zone_key = keys.create_key_file(tmp_path / "zone.key")
    assert keys.read_key_file(tmp_path / "zone.key") == zone_key
    hmac_key = keys.create_hmac_key(tmp_path / "hmac.key", zone_key)
    assert keys.read_hmac_key(tmp_path / "hmac.key", zone_key) == hmac_key
    assert hmac_key not in (tmp_path / "hmac.key").read_bytes()
    for name in ("zone.key", "hmac.key"):
        assert os.stat(tmp_path / name).st_mode & 0o077 == 0


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    keys.create_key_file(tmp_path / "zone.key")
    with pytest.raises(FileExistsError):
        keys.create_key_file(tmp_path / "zone.key")


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "ab" * 31])
def test_malformed(tmp_path: Path, content: str) -> None:
    (tmp_path / "zone.key").write_text(content)
    with pytest.raises(ZoneFault, match="32 bytes"):
        keys.read_key_file(tmp_path / "zone.key")


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ZoneFault, match="missing"):
        keys.read_key_file(tmp_path / "zone.key")


def test_hmac_key_of_another_zone(tmp_path: Path) -> None:
    keys.create_hmac_key(tmp_path / "hmac.key", b"a" * 32)
    with pytest.raises(ZoneFault, match="does not open"):
        keys.read_hmac_key(tmp_path / "hmac.key", b"b" * 32)


def test_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_KEY", "ab" * 32)
    assert keys.KeySource.parse("env:CITY_KEY").resolve() == bytearray(b"\xab" * 32)
    assert keys.KeySource.parse("file").resolve() is None
    monkeypatch.delenv("CITY_KEY")
    with pytest.raises(ZoneFault, match="no zone key"):
        keys.KeySource.parse("env:CITY_KEY").resolve()
    for wrong in ("", "env:", "keyring:x", "prefect"):
        with pytest.raises(UsageFault):
            keys.KeySource.parse(wrong)
