"""Brings the catalogues of `languages/` up to date with the sentences in code and templates: `make messages`.

A new sentence is added without a translation, one that is gone is left out. A new language is begun by an empty file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.outlet.language import ENGLISH, SHIPPED, catalogue
from schemas.released import REASONS

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

_HERE = Path(__file__).parent
_METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]
_OPTIONS = {"**.j2": {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true"}}
_KEYWORDS = {"gettext": None, "ngettext": (1, 2), "N_": None, "_": None}


def template() -> "Catalog":
    """Every sentence that the report and the card can say, in English."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    made = Catalog(project="hearsafe", fuzzy=False)
    for file, _, message, _, _ in sorted(
        extract_from_dir(_HERE, _METHODS, _OPTIONS, keywords=_KEYWORDS), key=lambda found: (found[0], found[1])
    ):
        made.add(message, locations=[(Path(file).name, 0)])
    for words in REASONS.values():
        made.add(words, locations=[("released.py", 0)])
    return made


def updated(language: str) -> bytes:
    """A language's catalogue with today's sentences: as a file, the same bytes for the same sentences."""
    from io import BytesIO

    from babel.messages.pofile import read_po, write_po

    with catalogue(language).open("rb") as text:
        found = read_po(text, locale=language)
    found.update(template(), no_fuzzy_matching=True)
    found.obsolete.clear()
    out = BytesIO()
    write_po(out, found, width=0, sort_output=False, omit_header=True, include_lineno=False, ignore_obsolete=True)
    header = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    return f'{header}"Plural-Forms: {found.plural_forms}\\n"\n\n'.encode() + out.getvalue().lstrip()


def main() -> None:
    """Write every catalogue again."""
    for language in SHIPPED:
        if language != ENGLISH:
            catalogue(language).write_bytes(updated(language))


if __name__ == "__main__":
    main()
