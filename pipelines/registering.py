"""Putting on record that something else was published from the same answers, without noise. It spends nothing.

Anybody with the workspace may: it only ever tells readers more. Nothing takes it back.
"""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from pipelines.declarations import Declarations
from pipelines.ledger.store import Ledger
from schemas.errors import InputRefused, UsageFault
from schemas.ledger import Event, EventKind, OtherPublication


def register(ledger: Ledger, declarations: Declarations, *, why: str, name: str | None, file: Path | None) -> Event:
    """Record a publication of this wave's answers. `name`: what it is called, else the file's name.

    Returns: the REGISTERED event, which is the earlier one where exactly this was said before.
    Raises: UsageFault `register_what`, `register_text`. InputRefused `source_unreadable`. ZoneFault, IntegrityFault.
    """
    if file is None and not name:
        what, advice = "neither a file nor a name says what was published", "Give FILE, or --called NAME"
        raise UsageFault("register_what", what, where="FILE", do=advice)
    survey = declarations.survey
    said = {
        "population": survey.population,
        "survey": survey.survey,
        "wave": survey.wave.id,
        "name": name or ("" if file is None else file.name),
        "why": why,
    }
    try:
        body = OtherPublication.model_validate(said if file is None else said | {"digest": _digest(file)})
    except ValidationError:
        what = "a name or a reason is empty, longer than 200 characters, or not one line of text"
        raise UsageFault(
            "register_text", what, where="--called, --why", do="Say it in one line: it is public"
        ) from None
    return ledger.record(EventKind.REGISTERED, body.model_dump(mode="json", exclude_unset=True))


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        what = "the published file cannot be read"
        raise InputRefused("source_unreadable", what, where=str(file), do="Check its permissions") from None
