"""Small files that survive a crash: whole or absent, never overwritten, and gone when they are destroyed."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pipelines import durable
from pipelines.durable import destroy, make_folder, write_private


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_private_file_is_whole_and_never_overwritten(tmp_path: Path) -> None:
    key = tmp_path / "zone.key"
    write_private(key, b"first")
    with pytest.raises(FileExistsError):
        write_private(key, b"second")
    assert (key.read_bytes(), stat.S_IMODE(key.stat().st_mode), names(tmp_path)) == (b"first", 0o600, ["zone.key"])


def test_a_file_has_its_name_only_once_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut leaves an empty file under a key's name, and the wave is lost."""
    synced: list[bool] = []
    plain = os.fsync

    def noting(descriptor: int) -> None:
        plain(descriptor)
        synced.append((tmp_path / "zone.key").exists())

    monkeypatch.setattr(os, "fsync", noting)
    write_private(tmp_path / "zone.key", b"content")
    assert synced == [False, True], "the content, then the folder that names it"


@pytest.mark.parametrize("there", [False, True])
def test_file_systems_without_hard_links_have_private_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "not on this file system")

    monkeypatch.setattr(os, "link", link)
    key = tmp_path / "officer.pem"
    if there:
        key.write_bytes(b"first")
        with pytest.raises(FileExistsError):
            write_private(key, b"second")
    else:
        write_private(key, b"first")
    assert (key.read_bytes(), names(tmp_path)) == (b"first", ["officer.pem"])


def test_of_two_at_once_without_hard_links_one_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have written aside before either takes the name."""

    def link(*_: object) -> None:
        both.wait()
        raise OSError(errno.EPERM, "not on this file system")

    def write(content: bytes) -> bytes | None:
        try:
            write_private(key, content)
        except FileExistsError:
            return None
        return content

    both, key = Barrier(2), tmp_path / "officer.pem"
    monkeypatch.setattr(os, "link", link)
    with ThreadPoolExecutor(2) as pool:
        won = [content for content in pool.map(write, (b"first", b"second")) if content is not None]
    assert won == [key.read_bytes()]
    assert names(tmp_path) == ["officer.pem"]


def test_a_disk_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        write_private(tmp_path / "zone.key", b"content")
    assert names(tmp_path) == []


def test_destroying_a_key_destroys_what_a_crash_left_of_it(tmp_path: Path) -> None:
    """A cut between the two names of one file leaves both: the content goes, whoever still holds it."""
    key, left = tmp_path / "hmac.key", tmp_path / ".hmac.key.0a1b2c3d.part"
    key.write_bytes(b"a secret of a wave")
    os.link(key, left)
    held = key.open("rb")
    assert destroy(key)
    assert (names(tmp_path), b"secret" in held.read()) == ([], False)
    held.close()
    left.write_bytes(b"cut off before it had its name")
    assert not destroy(key)
    assert names(tmp_path) == []


def test_every_new_folder_is_synced_into_the_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b" / "c", 0o700)
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert stat.S_IMODE((tmp_path / "a" / "b" / "c").stat().st_mode) == 0o700
    make_folder(tmp_path / "a" / "b" / "c", 0o700)
    assert len(synced) == 3
