import codecs
from pathlib import Path

import pytest

from pipelines.intake.decode import encoding_of, leading_text
from schemas.errors import InputRefused
from tests.intake_sample import keyless, rating, take_text

TEXT = "Q1,Q2\n1,Sí\n2,Año\n3,“No”\n"
SURVEY = keyless(
    [
        rating("quality", "Q1"),
        {"id": "c", "column": "Q2", "type": "choice", "options": {"Sí": "y", "Año": "a", "“No”": "n"}},
    ]
)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("cp1252", b""),
    ],
)
def test_auto_finds_the_encoding(tmp_path: Path, encoding: str, mark: bytes) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(mark + TEXT.encode(encoding))
    assert leading_text(path, encoding_of(path)) == TEXT


@pytest.mark.parametrize("declared", ["utf-8", "utf-8-sig", "UTF8"])
def test_a_mark_is_not_part_of_the_first_name(tmp_path: Path, declared: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(codecs.BOM_UTF8 + TEXT.encode())
    assert leading_text(path, encoding_of(path, declared)) == TEXT


@pytest.mark.parametrize("declared", ["utf-16", "utf-16-le"])
def test_declared_utf16_with_and_without_mark(tmp_path: Path, declared: str) -> None:
    for mark in (b"", codecs.BOM_UTF16_LE):
        path = tmp_path / "export.csv"
        path.write_bytes(mark + TEXT.encode("utf-16-le"))
        assert leading_text(path, encoding_of(path, declared)) == TEXT


def test_a_byte_that_windows_1252_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"Q1\n\x81\xe9\n")
    assert leading_text(path, encoding_of(path)) == "Q1\n\x81é\n"


@pytest.mark.parametrize(
    ("own", "stranger"),
    [
        (b"Don\x92t know\n", b"\x81\n"),
        ("Español\n".encode(), b"\xff\n"),
        ("Sí\n".encode(), b"\xed\n"),
        (b"caf\xe9\r\n", "ж\r\n".encode()),
        (b"plain\n", b"\x00\x00\x00\xd8\n"),
    ],
)
def test_no_row_changes_how_another_is_read(tmp_path: Path, own: bytes, stranger: bytes) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"Q1\n" + own * 3)
    alone = leading_text(path, encoding_of(path)).splitlines(keepends=True)
    for place in range(4):
        path.write_bytes(b"Q1\n" + own * place + stranger + own * (3 - place))
        read = leading_text(path, encoding_of(path)).splitlines(keepends=True)
        assert read[: place + 1] + read[place + 2 :] == alone


def test_every_encoding_gives_the_same_answers(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert take_text(SURVEY, tmp_path, TEXT, encoding).cells("c") == ["Sí", "Año", "“No”"]


def refusal(path: Path, declared: str = "auto") -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        encoding_of(path, declared)
    return caught.value


def test_refuses_with_a_code(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    assert refusal(path).code == "source_missing"
    assert refusal(tmp_path).code == "source_missing"
    path.write_bytes(b"")
    assert refusal(path).code == "source_empty"
    path.write_bytes(b"Q1\n\xff\n")
    assert refusal(path, "utf-8").code == "encoding_unreadable"
    assert "byte" not in refusal(path, "utf-8").line(), "where it breaks off is content"
    assert refusal(path, "klingon").code == "encoding_unknown"
    assert refusal(path, "rot13").code == "encoding_unknown"
    path.write_bytes(codecs.BOM_UTF16_LE + b"a")
    assert refusal(path).code == "encoding_unreadable"


def test_a_letter_on_the_border_of_two_blocks(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    text = "Q1\n" + "x" * ((4 << 20) - 4) + "é\n"
    path.write_bytes(text.encode())
    assert leading_text(path, encoding_of(path), limit=5 << 20) == text
