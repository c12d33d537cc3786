"""The environment that pages are rendered in: what escapes, formats and translates."""

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.outlet.language import general, gettext, ngettext, number, percent
from pipelines.outlet.wording import plain

_TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def page_environment() -> Environment:
    """Templates of the pages; everything in them is escaped."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
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
