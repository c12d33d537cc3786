"""The environment that pages are rendered in: what escapes, formats and translates, and their compiled templates."""

import os
import sys
from contextlib import suppress
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from pipelines.outlet.language import general, gettext, ngettext, number, percent
from pipelines.outlet.wording import plain

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def _compiler() -> str:
    return f"{version('jinja2')} {Path(__file__).read_text(encoding='utf-8')}"


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates beside their sources, like Python's own modules: for the same source and compiler only."""

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(_compiler() + source)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):  # a full disk: the next run compiles them again
            super().dump_bytecode(bucket)


def _compiled(folder: Path) -> FileSystemBytecodeCache | None:
    """The compiled templates in a folder; None where Python may not write its own there either."""
    if sys.dont_write_bytecode or not os.access(folder.parent, os.W_OK):
        return None
    folder.mkdir(exist_ok=True)
    return _Compiled(str(folder), "%s.j2c")


@lru_cache(maxsize=1)
def page_environment() -> Environment:
    """Templates of the pages; everything in them is escaped."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        bytecode_cache=_compiled(_TEMPLATES.parent / "__pycache__"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {"plain": plain, "number": number, "percent": percent, "general": general}
    made.filters["digits3"] = lambda value: general(float(f"{value:.3g}"))
    made.filters["cssquote"] = _css_text
    return made


def compile_templates() -> None:
    """Read and compile the pages' templates now instead of when the first page is rendered."""
    environment = page_environment()
    for name in environment.list_templates():
        environment.get_template(name)


def _css_text(text: str) -> Markup:
    """A text inside a CSS string in a style element: everything but plain letters and digits is escaped by number."""
    return Markup("").join(
        c if c.isascii() and (c.isalnum() or c in " .,-") else Markup(f"\\{ord(c):x} ")  # noqa: S704  (hexadecimal)
        for c in text
    )
