"""Writes the drafts into a folder: two for review, one for the holder of the export alone."""

import errno
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.declarations import POLICY_FILE, SURVEY_FILE
from pipelines.drafting.codebook import Codebook, Entry, read_codebook, unusable
from pipelines.drafting.contact_lists import contact_list
from pipelines.drafting.draft import Draft, drafted
from pipelines.drafting.export import Export, open_export
from pipelines.drafting.minimal import minimal_draft
from pipelines.drafting.observed import observed_items, with_observed
from pipelines.drafting.policy_text import policy_text
from pipelines.drafting.survey_text import Known, survey_text
from pipelines.drafting.xlsform import is_xlsform, read_xlsform
from schemas.errors import UsageFault

CONFIDENTIAL_FILE = "survey.draft.confidential.yaml"
_IGNORED = "*.confidential.yaml\n"


@dataclass(frozen=True)
class Request:
    """What `hearsafe init` was given. `exports`: source id and file."""

    directory: Path
    exports: tuple[tuple[str, Path], ...] = ()
    codebooks: tuple[Path, ...] = ()
    contacts: Path | None = None
    format: str | None = None
    population: str | None = None
    frame: int | None = None
    responses: int | None = None
    year: int | None = None


@dataclass(frozen=True)
class Written:
    """What was written, and how much of an instrument it holds. `confidential`: None where nothing was open."""

    survey: Path
    policy: Path
    confidential: Path | None
    questions: int
    groups: int
    dropped: int


def write_drafts(request: Request) -> Written:
    """Draft from what was given, then write; a folder that holds declarations already is left alone.

    Raises: UsageFault (`init_exists`, `init_folder`), InputRefused: an export, codebook or contact list is refused.
    """
    names = (SURVEY_FILE, POLICY_FILE, CONFIDENTIAL_FILE)
    existing = [name for name in names if (request.directory / name).exists()]
    if existing:
        raise _exists(request.directory / existing[0])
    exports = [open_export(source, path, request.format) for source, path in request.exports]
    entries = [entry for path in request.codebooks for entry in _entries(path, exports)]
    draft = drafted(exports, Codebook(entries)) if exports else minimal_draft()
    known = Known(
        survey=_slug(request.directory),
        year=request.year or datetime.now(UTC).year,
        population=request.population,
        responses=request.responses,
        frame=request.frame,
        verified_by=_verified(request, draft),
    )
    confidential = _confidential(draft, known, entries) if exports else None
    texts = {SURVEY_FILE: survey_text(draft, known), POLICY_FILE: policy_text(known, has_key=bool(draft.keys))}
    _write_all(request.directory, texts, confidential)
    return Written(
        survey=request.directory / SURVEY_FILE,
        policy=request.directory / POLICY_FILE,
        confidential=request.directory / CONFIDENTIAL_FILE if confidential is not None else None,
        questions=len(draft.questions),
        groups=len(draft.groups),
        dropped=len(draft.drop),
    )


def _exists(path: Path) -> UsageFault:
    what = "this file is there already, and init replaces nothing"
    return UsageFault("init_exists", what, where=str(path), do="Move it away, or name another directory")


def _entries(path: Path, exports: Sequence[Export]) -> list[tuple[str, Entry]]:
    """The entries of a codebook that is about these exports: another file's cells do not get into a draft."""
    found = read_xlsform(path) if is_xlsform(path) else read_codebook(path)
    names = [column.name for export in exports for column in export.columns]
    questions = [column.question for export in exports for column in export.columns]
    if exports and not Codebook(found).speaks_of([*names, *questions, *observed_items(exports)]):
        raise unusable(path, "names no column of the exports", "Is it another file's, or an export?")
    return found


def _verified(request: Request, draft: Draft) -> tuple[str, str | None] | None:
    if request.contacts is None or not draft.keys:
        return None
    return contact_list(request.contacts, draft.keys[0][1])


def _confidential(draft: Draft, known: Known, entries: list[tuple[str, Entry]]) -> str | None:
    """The draft with what responses hold; None where the questionnaire left nothing open."""
    items = [name for name in observed_items(draft.exports) if name not in {known_name for known_name, _ in entries}]
    if items:
        draft = drafted(draft.exports, Codebook([*entries, *((name, Entry()) for name in items)]))
    observed = with_observed(draft)
    is_more = items or replace(observed, exports=()) != replace(draft, exports=())
    return survey_text(observed, known, confidential=True) if is_more else None


def _slug(directory: Path) -> str:
    found = re.sub(r"[^A-Za-z0-9._-]+", "-", directory.resolve().name).strip("-._")[:63]
    return found or "survey"


def _write_all(directory: Path, texts: dict[str, str], confidential: str | None) -> None:
    """Every file, or none where one cannot be written: another `init` may have taken a name since we looked.

    Raises: UsageFault: `init_exists`, `init_folder`.
    """
    made: list[Path] = []
    try:
        if directory.exists() and not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "")
        directory.mkdir(parents=True, exist_ok=True)
        if confidential is not None:
            _write(directory / CONFIDENTIAL_FILE, confidential, 0o600, made)
            with suppress(FileExistsError):
                _write(directory / ".gitignore", _IGNORED, 0o644, made)
        for name, text in texts.items():
            _write(directory / name, text, 0o644, made)
        fault = None
    except FileExistsError as error:
        fault = _exists(Path(error.filename))
    except OSError as error:
        what = f"the drafts cannot be written here ({os.strerror(error.errno or 0)})"
        fault = UsageFault("init_folder", what, where=str(directory), do="Name another directory")
    if fault is not None:
        for path in reversed(made):  # the .gitignore goes while our confidential file keeps others' away
            with suppress(OSError):
                path.unlink()
        raise fault


def _write(path: Path, text: str, mode: int, made: list[Path]) -> None:
    """A new file, with its permissions from its first byte on. It is one of `made` from then on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    made.append(path)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def source_ids(given: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """`[ID=]PATH` of each `--from`; without an id, `web` for one export, else the files' names.

    Raises: UsageFault: an id that cannot be a source's, or is given twice.
    """
    found: list[tuple[str, Path]] = []
    for text in given:
        named, equals, path = text.partition("=")
        if equals and path and "/" not in named and not Path(text).exists():
            found.append((named, Path(path)))
        else:
            stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(text).stem).strip("-").lower()
            found.append(("web" if len(given) == 1 else stem or "export", Path(text)))
    ids = [name for name, _ in found]
    wrong = next(
        (name for name in ids if ids.count(name) > 1 or not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,62}", name)), None
    )
    if wrong is not None:
        raise UsageFault("init_source", "each export needs an id of its own", where="--from", do="Give --from ID=PATH")
    return tuple(found)
