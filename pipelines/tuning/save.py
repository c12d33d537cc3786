"""policy.yaml written again with some values changed: comments, order and everything else stay as they are."""

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarfloat import ScalarFloat
from ruamel.yaml.util import load_yaml_guess_indent

from pipelines.declarations import load_declarations
from pipelines.durable import sync_folder
from schemas.errors import InternalFault, UsageFault
from schemas.policy import Policy

_ABSENT = object()
_LOCKS_NO_FOLDER = {errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems say that cannot lock a folder, NFS among them: what is seen again before the end must do there."""


@dataclass(frozen=True)
class Change:
    """A value of the policy that differs. `path` is as faults name it: workload.emphasis.priority."""

    path: str
    before: str
    after: str


def changes(before: Policy, after: Policy) -> tuple[Change, ...]:
    """What turning the knobs changed, in the order of the file."""
    return tuple(
        Change(".".join(path), _words(old), _words(new))
        for path, old, new in _differences(before.model_dump(mode="json"), after.model_dump(mode="json"))
    )


def _words(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(" × ".join(map(str, item)) if isinstance(item, list) else str(item) for item in value) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """(path, before, after) of every leaf that differs; lists are leaves."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _differences(before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, str(key)))
    elif before != after:
        yield path, before, after


def seen(path: Path) -> str:
    """Digest of a file as it was read, so that saving never overwrites somebody else's change."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_policy(path: Path, before: Policy, after: Policy, digest_seen: str, directory: Path) -> None:
    """Write `after` over the file that said `before`. The result is read back and compared before it takes its place.

    Raises: UsageFault: the file was changed since it was read, or cannot be written. InternalFault.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    try:
        with _alone(path.parent):
            _check_unchanged(path, digest_seen)
            draft.write_text(rewritten(path.read_text(encoding="utf-8"), before, after), encoding="utf-8")
            draft.chmod(path.stat().st_mode & 0o777)
            if load_declarations(directory, draft).policy != after:
                raise InternalFault("policy_rewritten", "the policy as written is not the policy as tuned")
            with draft.open("rb") as stream:
                os.fsync(stream.fileno())
            _check_unchanged(path, digest_seen)  # an editor holds no lock of ours
            draft.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        what = f"the policy cannot be written ({os.strerror(error.errno or 0)})"
        raise UsageFault("policy_unwritable", what, where=str(path)) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One session saves into a folder at a time; the next waits for the moment that takes. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _LOCKS_NO_FOLDER:
                raise
        yield
    finally:
        os.close(descriptor)


def _check_unchanged(path: Path, digest_seen: str) -> None:
    """Raises: UsageFault: the file is another than was read. OSError."""
    if seen(path) != digest_seen:
        what = "the file was changed by somebody else since it was read"
        raise UsageFault("policy_changed", what, where=str(path), do="Load it again")


def rewritten(text: str, before: Policy, after: Policy) -> str:
    """The text of the file with the values that differ replaced."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    _, indent, offset = load_yaml_guess_indent(StringIO(text))
    if indent is not None:
        yaml.indent(mapping=2, sequence=indent, offset=offset or 0)
    document = yaml.load(text)
    for path, _, new in _differences(before.model_dump(mode="json"), after.model_dump(mode="json")):
        _put(document, path, new)
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _put(document: CommentedMap, path: tuple[str, ...], value: Any) -> None:
    """Set or remove one value; maps on the way are made where they are missing."""
    here = document
    for key in path[:-1]:
        if not isinstance(here.get(key), CommentedMap):
            here[key] = CommentedMap()
            here[key].fa.set_flow_style()
        here = here[key]
    if value is _ABSENT or value is None:
        here.pop(path[-1], None)
    elif isinstance(value, list) and isinstance(here.get(path[-1]), CommentedSeq):
        _merge(here[path[-1]], value)
    else:
        here[path[-1]] = _yaml(value)


def _merge(items: CommentedSeq, wanted: list[Any]) -> None:
    """The same list object with other items: those that stay keep their comments."""
    for position in reversed(range(len(items))):
        if list(items[position]) not in wanted:
            del items[position]
    for item in wanted:
        if item not in [list(known) for known in items]:
            items.append(_yaml(item))


def _yaml(value: Any) -> Any:
    if isinstance(value, list):
        made = CommentedSeq(_yaml(item) for item in value)
        made.fa.set_flow_style()
        return made
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else _short(value)
    return value


def _short(value: float) -> float:
    """A float as a person writes it: small ones in the file's own style, 1.0e-6."""
    if abs(value) >= 1e-3:
        return value
    digits = f"{value:e}".split("e")[0].rstrip("0").rstrip(".")
    width = len(digits) + (0 if "." in digits else 2)
    return ScalarFloat(value, width=width, prec=1, m_sign=False, exp="e", e_width=2, e_sign=True)
