"""Some four hundred hostile exports written on purpose: cells, texts, encodings, archives, Parquet."""

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.hostile import (
    COLUMNS,
    DATES,
    ENCODINGS,
    NUMBERS,
    PLANTED,
    SHEET,
    STRANGE,
    Hostile,
    parquet_bytes,
    quoted,
    workbook,
)


def _row(**changes: str) -> list[str]:
    plain = {
        "When": DATES[0],
        "Email": f"{PLANTED}1@example.org",
        "District": "N",
        "Q1": "1",
        "Q3": "Parks",
        "Q4": "4",
        "Q5": "9",
    }
    return [(plain | changes)[column] for column in COLUMNS]


def written() -> Iterator[Hostile]:
    """The files written on purpose. None of them may be more than refused or taken row by row."""
    header = ",".join(COLUMNS)
    good = ",".join(_row())
    yield from _cells_one_by_one()
    yield from _texts(header, good)
    yield from _encodings(header, good)
    yield from _archives()
    yield from _parquets()


def _cells_one_by_one() -> Iterator[Hostile]:
    """Each strange text, number and date in each kind of column."""
    for column in ("When", "Email", "Q3", "Q4"):
        for number, strange in enumerate((*STRANGE, *NUMBERS, *DATES)):
            rows = [list(COLUMNS), _row(**{column: f"{strange}{PLANTED}" if column != "Q4" else strange}), _row()]
            yield Hostile(f"{column}-{number}.csv", quoted(rows).encode("utf-8", "replace"), "delimited", 2)


def _texts(header: str, good: str) -> Iterator[Hostile]:
    big = PLANTED * 90_000
    texts = {
        "empty": "",
        "blank": "\n \n\t\n",
        "header only": header + "\n",
        "no header": good + "\n" + good + "\n",
        "one megabyte in a cell": f"{header}\n{good}\n{good.replace('Parks', big)}\n",
        "one megabyte in the header": f"{header},{big}\n{good},1\n",
        "ten thousand columns": ",".join([header, *(f"x{n}" for n in range(9_990))]) + "\n" + good + "," * 9_990 + "\n",
        "more than ten thousand columns": ",".join([header, *(f"x{n}" for n in range(12_000))]) + "\n" + good + "\n",
        "a hundred thousand columns": "," * 100_000 + "\n",
        "a quotation mark never closed": f'{header}\n"{good}\n' + (good + "\n") * 2000,
        "quotation marks only": '"' * 100_001,
        "NUL only": "\x00" * 10_000,
        "NUL in the header": header.replace("Q1", "Q\x001") + "\n" + good + "\n",
        "NUL between rows": f"{header}\n{good}\n\x00\x00\n{good}\n",
        "carriage returns only": header + "\r" + good + "\r" + good,
        "mixed line ends": f"{header}\r\n{good}\n{good}\r{good}\n\r{good}",
        "a header twice": f"{header}\n{header}\n{good}\n",
        "a duplicate column": f"{header},Q1\n{good},2\n",
        "every column empty": "," * 6 + "\n" + good,
        "a million line breaks": header + "\n" * 1_000_000 + good,
        "a separator line": f"sep=;\n{header.replace(',', ';')}\n{good.replace(',', ';')}\n",
        "right to left": f"\u202e{header}\n\u202e{good}\n",
        "zero width in the header": header.replace("Email", "Em\u200bail") + "\n" + good + "\n",
        "a homoglyph in the header": header.replace("Email", "Еmail") + "\n" + good + "\n",
        "an escape sequence": f"\x1b]0;{PLANTED}\x07{header}\n{good}\n",
        "end of file inside a row": f"{header}\n{good}\n{good[: len(good) // 2]}",
        "Control-Z": f"{header}\n{good}\n\x1a{good}\n",
        "a path in the name of a column": header.replace("District", "../../etc/passwd") + "\n" + good + "\n",
        "nested quotes": f"{header}\n" + '"' + '""' * 50_000 + '"' + "," * 6 + "\n",
        "a hundred thousand short rows": f"{header}\n" + "x\n" * 100_000,
        "a hundred thousand equal residents": f"{header}\n" + (good + "\n") * 100_000,
        "XML": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "JSON": '[{"Email": "' + PLANTED + '"}]',
        "YAML": "!!python/object/apply:os.system ['true']\n",
        "pickle": "cos\nsystem\n(S'true'\ntR.",
        "HTML": f"<table><tr><td>{PLANTED}</td></tr></table>",
    }
    for name, text in texts.items():
        for kind in ("delimited", "qualtrics"):
            yield Hostile(f"{name}-{kind}.csv", text.encode("utf-8", "surrogatepass"), kind)


def _encodings(header: str, good: str) -> Iterator[Hostile]:
    text = f"{header}\n{good}\n{good.replace('Parks', 'Café')}\n"
    for encoding in ENCODINGS:
        whole = text.encode(encoding, "replace")
        yield Hostile(f"{encoding}.csv", whole)
        yield Hostile(f"{encoding}-cut.csv", whole[:-1])
        yield Hostile(f"{encoding}-after-a-mark.csv", b"\xef\xbb\xbf" + whole)
    for number, bad in enumerate(
        (b"\xff\xfe", b"\xfe\xff\x00", b"\x00\x00\xfe\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80")
    ):
        yield Hostile(f"bad-{number}.csv", bad + text.encode())
        yield Hostile(f"bad-inside-{number}.csv", text.encode().replace(b"Parks", bad))


def _archives() -> Iterator[Hostile]:
    """Archives that unpack to too much, to elsewhere, or to something else than they say."""
    rows = [list(COLUMNS), _row(), _row()]
    plain = workbook(rows)
    laughs = (
        '<!DOCTYPE x [<!ENTITY a "'
        + "ha" * 50
        + '">'
        + "".join(f'<!ENTITY {chr(98 + n)} "' + f"&{chr(97 + n)};" * 10 + '">' for n in range(9))
        + "]>"
        + SHEET.format("<row><c t='inlineStr'><is><t>&j;</t></is></c></row>")
    )
    outside = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + SHEET.format("<row><c><v>&e;</v></c></row>")
    nested = plain
    for _ in range(10):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.xlsx", nested)
        nested = target.getvalue()
    found = {
        "plain": plain,
        "a thousand to one": workbook([], sheet=SHEET.format(" " * (64 << 20))),
        "a bomb beside the sheet": workbook(rows, more={"xl/media/a.bin": bytes(80 << 20)}),
        "nested ten deep": nested,
        "a traversal": workbook(
            rows, more={"../../../../tmp/hostile": b"x", "/etc/hostile": b"x", "C:\\hostile": b"x"}
        ),
        "device names": workbook(rows, more={"CON": b"x", "aux.txt": b"x", "xl/NUL": b"x"}),
        "case clashes": workbook(rows, more={"XL/WORKBOOK.XML": b"x", "Xl/Worksheets/Sheet1.xml": b"x"}),
        "five thousand members": workbook(rows, more={f"x/{n}": b"" for n in range(5000)}),
        "twelve thousand members": workbook(rows, more={f"x/{n}": b"" for n in range(12_000)}),
        "a billion laughs": workbook([], sheet=laughs),
        "an outside entity": workbook([], sheet=outside),
        "a sheet that is no XML": workbook([], sheet=PLANTED),
        "an unclosed sheet": workbook([], sheet=SHEET.format("<row><c>")[:-40]),
        "a cell far away": workbook([], sheet=SHEET.format('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
        "formulas": workbook([list(COLUMNS), *(_row(Email=f"={PLANTED}()") for _ in range(3))]),
        "text named xlsx": (",".join(COLUMNS) + "\n" + ",".join(_row())).encode(),
        "only a start": b"PK\x03\x04",
        "an empty archive": b"PK\x05\x06" + bytes(18),
        "no directory": plain[: len(plain) // 2],
        "junk before": b"x" * 100 + plain,
        "junk after": plain + b"x" * 100,
        "a wrong checksum": _patched(plain, 14, b"\x00\x00\x00\x00"),
        "an encrypted member": _patched(plain, 6, b"\x01\x00"),
        "an unknown method": _patched(plain, 8, b"\x63\x00"),
        "a size that lies": _patched(plain, 22, struct.pack("<I", 0xFFFFFFF0)),
        "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
        "gzip": b"\x1f\x8b\x08" + bytes(200),
    }
    for name, content in found.items():
        yield Hostile(f"{name}.xlsx", content, "xlsx")


def _patched(content: bytes, offset: int, value: bytes) -> bytes:
    return content[:offset] + value + content[offset + len(value) :]


def _parquets() -> Iterator[Hostile]:
    plain = parquet_bytes(list(COLUMNS), [_row(), _row()])
    tables = {
        "plain": plain,
        "no footer": plain[:-8],
        "only a start": b"PAR1",
        "a footer that lies": plain[:-8] + struct.pack("<I", 1 << 30) + b"PAR1",
        "zeros inside": plain[:20] + bytes(60) + plain[80:],
        "no rows": parquet_bytes(list(COLUMNS), []),
        "no columns": _oneparquet_bytes({}),
        "other types": _oneparquet_bytes(
            {
                "Email": [1, 2],
                "When": [1.5, float("nan")],
                "Q1": [True, None],
                "District": [b"\xff", b"N"],
                "Q3": [["Parks"], []],
                "Q4": [2**62, -1],
                "Q5": ["9", None],
            }
        ),
        "a structure": _oneparquet_bytes({column: [{"a": PLANTED}] for column in COLUMNS}),
    }
    for name, content in tables.items():
        yield Hostile(f"{name}.parquet", content, "parquet")


def _oneparquet_bytes(columns: dict[str, list[Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()
