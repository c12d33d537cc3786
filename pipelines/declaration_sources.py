"""What a source declares that only Python can judge: time patterns, encodings, separators; keys that cannot match."""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pipelines.yaml_lines import YamlFile, printable
from schemas.errors import DeclarationFault
from schemas.survey import Source, Survey

_NAMED_SEPARATORS = ("auto", "comma", "semicolon", "tab", "\\t", "pipe")


def source_problems(file: YamlFile, survey: Survey) -> Iterator[DeclarationFault]:
    """Every problem of the sources, and of the resident key that they are read with."""
    for position, source in enumerate(survey.sources):
        yield from _source(file, source, position)
    keys = survey.residents.key if survey.residents.key != "none" else ()
    if survey.residents.verified_by is not None and len(keys) != 1:
        yield file.fault(
            "verified_key_parts",
            "needs a resident key of one column",
            at=("residents", "verified_by"),
            do="Use a key that both lists hold in one column, such as an e-mail address",
        )
    for position, source in enumerate(survey.sources):
        for place, column in enumerate(source.absent):
            if column in keys:
                yield file.fault(
                    "key_absent",
                    f"{printable(column)!r} is the resident key, which every source needs",
                    at=("sources", position, "absent", place),
                    do="Map it under the source's columns",
                )


def _source(file: YamlFile, source: Source, position: int) -> Iterator[DeclarationFault]:
    if source.time is not None and not is_pattern(source.time.pattern):
        yield file.fault(
            "time_pattern",
            f"time pattern {printable(source.time.pattern)!r} cannot be read",
            at=("sources", position, "time", "pattern"),
            do='Use strptime directives, such as "%d/%m/%Y %H:%M"',
        )
    if source.encoding != "auto" and not is_codec(source.encoding):
        yield file.fault(
            "encoding_unknown",
            f"encoding {printable(source.encoding)!r} is not known",
            at=("sources", position, "encoding"),
            do="Use a Python codec name or auto",
        )
    separator = source.separator
    if separator not in _NAMED_SEPARATORS and (len(separator) != 1 or not separator.isascii() or separator in '"\r\n'):
        yield file.fault(
            "separator_unusable",
            f"separator {printable(separator)!r} is not one plain character",
            at=("sources", position, "separator"),
            do='Use auto, ",", ";", tab or "|"',
        )


def is_pattern(pattern: str) -> bool:
    """Whether strptime can read times of this pattern.

    >>> is_pattern("%d/%m/%Y %H:%M"), is_pattern("%Q")
    (True, False)
    """
    try:
        datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007 (the pattern is the user's)
    except (ValueError, re.error):
        return False
    return bool(pattern)


def is_codec(name: str) -> bool:
    """Whether Python reads text in this encoding.

    >>> is_codec("cp1252"), is_codec("rot13"), is_codec("utf-9")
    (True, False, False)
    """
    try:
        codecs.getincrementaldecoder(codecs.lookup(name).name)("strict")
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True
