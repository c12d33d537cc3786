"""Text that a spreadsheet does not take for a formula."""

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a cell a formula in Excel, LibreOffice or Sheets, full-width forms too. Source: OWASP, CSV injection."""


def harmless(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would run it. Numbers stay numbers.

    >>> harmless("=HYPERLINK(1)"), harmless("-3.5"), harmless("Maria")
    ("'=HYPERLINK(1)", '-3.5', 'Maria')
    """
    plain = text.replace("\x00", "")
    if not plain.lstrip(" \ufeff\u00a0").startswith(_STARTS) or _is_number(plain):
        return plain
    return f"'{plain}"


def _is_number(text: str) -> bool:
    body = text[1:] if text[:1] in {"-", "+"} else text
    whole, _, rest = body.partition(".")
    return body.isascii() and whole.isdigit() and (not rest or rest.isdigit())
