"""Cutting the worker off: no network, no core dumps, no tracing, and death with its parent."""

import ctypes
import os
import resource
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> bool:
    """Ask for SIGKILL when the parent dies. False where the parent is gone already, and the worker must leave."""
    if hasattr(os, "uname") and os.uname().sysname == "Linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def leave_network() -> bool:
    """Move into an empty network namespace, without even loopback. Must run before any thread starts.

    Returns: whether the operating system allowed it.
    """
    if not hasattr(os, "uname") or os.uname().sysname != "Linux":
        return False
    user, group = os.geteuid(), os.getegid()
    if _libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        try:
            Path(f"/proc/self/{name}").write_text(content)
        except OSError:
            return True
    return True


def forbid_dumps() -> None:
    """No core files, and no other process of the same user may attach."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if hasattr(os, "uname") and os.uname().sysname == "Linux":
        _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def isolate(*, networked: bool = False) -> tuple[str, ...]:
    """Apply all of it. Returns: what was achieved, as words for the release card.

    Args:
        networked: keep the network, for a remote engine. Then "no network" is not among the words.
    """
    os.umask(0o077)
    achieved = ["separate process", "clean environment"]
    if not networked and leave_network():
        achieved.append("no network")
    forbid_dumps()
    achieved.append("no core dumps")
    return tuple(achieved)
