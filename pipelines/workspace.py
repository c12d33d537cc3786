"""The workspace: where keys, zones, the ledger and releases of one legal entity are kept."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.durable import make_folder, write_private
from pipelines.ledger.run_lock import file_lock
from schemas.errors import InternalFault, UsageFault, ZoneFault

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_FOUNDING = "founding.lock"
_FOUNDING_SECONDS = 60.0
_PRIVATE = ("keys", "zone", "ledger", "prefect")


def _named(*names: str) -> Path:
    for name in names:
        if not _FOLDER_NAME.fullmatch(name):
            raise InternalFault("folder_name", "a survey, wave or release id cannot be a folder name")
    return Path(*names)


@dataclass(frozen=True)
class Workspace:
    """Folders of a workspace. `keys`, `zone`, `ledger` and `prefect` are for their owner only (0700)."""

    root: Path

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def prefect(self) -> Path:
        return self.root / "prefect"

    @property
    def ledger_file(self) -> Path:
        """The ledger, where it is in no server's database."""
        return self.ledger / "ledger.sqlite"

    @property
    def _ledger_address(self) -> Path:
        return self.ledger / "address"

    @property
    def _store_address(self) -> Path:
        return self.ledger / "store"

    @property
    def ledger_url(self) -> str | None:
        """The database that holds the ledger; None where it is the workspace's own file. Raises: UsageFault."""
        text = _kept(self._ledger_address)
        if text == "":
            what = "the address of the ledger's database cannot be read"
            raise UsageFault("ledger_address", what, where=str(self._ledger_address), do="Restore it, or name --ledger")
        return text

    @property
    def store_url(self) -> str | None:
        """The object store that releases are published to as well; None where there is none. Raises: UsageFault."""
        text = _kept(self._store_address)
        if text == "":
            what = "the address of the object store cannot be read"
            raise UsageFault("store_address", what, where=str(self._store_address), do="Restore it")
        return text

    def keep_store_at(self, url: str) -> None:
        """Name the object store, once. Raises: UsageFault `store_elsewhere`: another one is named already."""
        named = self.store_url
        if named is None and not _keep(self._store_address, url):
            named = self.store_url
        if named not in {None, url}:
            what = "this workspace publishes to another object store"
            raise UsageFault(
                "store_elsewhere", what, where="--store", do=f"Leave --store out, or edit {self._store_address}"
            )

    def keep_ledger_at(self, url: str) -> None:
        """Name the database that holds this workspace's ledger, once: from then on every command finds it.

        Raises: UsageFault: it is named otherwise, a ledger was begun elsewhere, or the address holds a password.
        """
        if re.search(r"://[^/@]*:[^/@]*@|[?&]password=", url):
            what = "the address of the ledger's database holds a password"
            raise UsageFault("ledger_password", what, where="--ledger", do="Leave it out, and use a PGPASSFILE")
        if self.ledger_url == url:
            return
        with self.founding():
            begun = (self.keys / "ledger.key").exists() or _holds_something(self.ledger_file)
            named = self.ledger_url
            if named is None and not begun and not _keep(self._ledger_address, url):
                named = self.ledger_url
            if named not in {None, url} or (named is None and begun):
                what = "this workspace keeps its ledger in another place"
                raise UsageFault("ledger_elsewhere", what, where="--ledger", do="Leave --ledger out")

    @contextmanager
    def founding(self) -> Iterator[None]:
        """Held while it is decided where the ledger is, and while it is founded there.

        Raises: BudgetRefused `run_in_progress`: another process is at it, even after waiting. ZoneFault.
        """
        place = self.ledger / _FOUNDING
        with ExitStack() as held:
            try:
                held.enter_context(file_lock(place, _FOUNDING_SECONDS))
            except OSError as error:
                what = f"the ledger's folder cannot be written or locked ({os.strerror(error.errno or 0)})"
                advice = "Make room, or restore access; nothing was recorded"
                raise ZoneFault("ledger_unwritable", what, where=str(place), do=advice) from None
            yield

    def zone(self, survey: str, wave: str) -> Path:
        """The encrypted zone of a wave; made by its worker."""
        return self.root / "zone" / _named(survey, wave)

    def wave_keys(self, survey: str, wave: str) -> Path:
        """The zone and HMAC keys of a wave."""
        return self.keys / _named(survey, wave)

    def release(self, survey: str, wave: str, release_id: str) -> Path:
        """The folder of one release."""
        return self.releases / _named(survey, wave, release_id)


def _keep(place: Path, url: str) -> bool:
    """Keep an address. Returns: False where another process just kept one. Raises: UsageFault: it cannot be written."""
    try:
        write_private(place, f"{url}\n".encode())
    except FileExistsError:
        return False
    except OSError as error:
        what = f"the address cannot be kept ({os.strerror(error.errno or 0)})"
        raise UsageFault("address_unwritable", what, where=str(place), do="Make room, or restore access") from None
    return True


def _holds_something(place: Path) -> bool:
    """Whether a file is there and not empty, as SQLite's is that was opened and never written."""
    return place.exists() and place.stat().st_size > 0


def _kept(place: Path) -> str | None:
    """An address that was kept; None where none was, empty where it cannot be read."""
    try:
        return place.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def open_workspace(root: Path) -> Workspace:
    """The workspace at `root`, with its folders made where they are missing.

    Raises: UsageFault: `root` is a file, or cannot be written.
    """
    workspace = Workspace(root.absolute())
    try:
        make_folder(workspace.releases)
        for name in _PRIVATE:
            _private_folder(workspace.root / name)
    except OSError as error:
        what = f"the workspace cannot be made here ({os.strerror(error.errno or 0)})"
        raise UsageFault("workspace", what, where=str(root), do="Name another folder with --workspace") from None
    return workspace


def has_traces_of_ledger(root: Path) -> bool:
    """Whether a ledger was begun at `root`: it, its witness, its key or a release of it is there."""
    patterns = ("ledger/*", "keys/ledger.key", "releases/*/*/*")
    return any(path.name != _FOUNDING for pattern in patterns for path in root.glob(pattern))


def _private_folder(folder: Path) -> None:
    make_folder(folder, 0o700)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
