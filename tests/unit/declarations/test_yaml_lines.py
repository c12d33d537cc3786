from pathlib import Path

import pytest

from pipelines.yaml_lines import Plain, YamlFile, printable, read_yaml
from schemas.errors import DeclarationFault


def read(folder: Path, text: str | bytes) -> YamlFile:
    path = folder / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path)


def fault(folder: Path, text: str | bytes) -> DeclarationFault:
    with pytest.raises(DeclarationFault) as caught:
        read(folder, text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {1: x}", {"a": {"1": "x"}}),
        ("a: {01: x, -99: y, 1.0: z}", {"a": {"01": "x", "-99": "y", "1.0": "z"}}),
        ("a: {NA: yes, N: no, on: off}", {"a": {"NA": "yes", "N": "no", "on": "off"}}),
        ('a: ["true", true, null, "null"]', {"a": ["true", True, None, "null"]}),
        ("a: [1, 1.5, 01, 1.50, 2026-01-02]", {"a": [1, 1.5, "01", "1.50", "2026-01-02"]}),
        ('"": x', {"": "x"}),
        ("a: &s {b: 1}\nc: *s", {"a": {"b": 1}, "c": {"b": 1}}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
    ],
)
def test_values_keep_the_spelling_that_a_code_needs(tmp_path: Path, text: str, expected: Plain) -> None:
    assert read(tmp_path, text).root.plain == expected


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "empty", "x.yaml: the file is empty. Write the declaration into it"),
        ("# only a comment\n", "empty", "x.yaml: the file is empty. Write the declaration into it"),
        ("- a\n- b\n", "not_a_mapping", "x.yaml:1: the file must hold keys and values, such as survey: my-survey"),
        ("a: 1\n\tb: 2\n", "yaml_tab", "x.yaml:2: the line is indented with a tab. Indent with spaces"),
        (
            "a: 1\nb: [1\n",
            "yaml_syntax",
            "x.yaml:3: this is not YAML: expected ',' or ']', but got '<stream end>'. Check indentation, colons and quotes",
        ),
        (b"a: 1\nb: \xff\n", "encoding", "x.yaml:2: the file is not UTF-8. Save it as UTF-8"),
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", "x.yaml:3: a: this key is already on line 1. Keep one of them"),
        (
            "a:\n  b: {true: x}\n",
            "key_ambiguous",
            'x.yaml:2: a.b: true as a key or code is ambiguous. Write "true" in quotes',
        ),
        (
            "a:\n  ~: x\n",
            "key_ambiguous",
            'x.yaml:2: a: ~ as a key or code is ambiguous. Write "~" in quotes',
        ),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "yaml_merge",
            "x.yaml:3: c: merging with << is not supported. Repeat the keys, or give the whole value by an alias",
        ),
        ("a: !secret 1\n", "yaml_tag", "x.yaml:1: a: tags that begin with ! are not used here"),
        ("a:\n  - .inf\n", "not_finite", "x.yaml:2: a.0: the number must be finite"),
        ("a:\n  - 1e999\n", "not_finite", "x.yaml:2: a.0: the number must be finite"),
        ("? [1]\n: 2\n", "key_not_text", "x.yaml:1: a key must be a single word or number"),
        ("a: 1\n---\nb: 2\n", "yaml_syntax", None),
        ("a: \x00\n", "yaml_character", "x.yaml: the file holds a character that YAML forbids"),
        ("[" * 1200, "yaml_too_deep", "x.yaml: the file is nested too deeply"),
    ],
)
def test_faults_name_the_line(tmp_path: Path, text: str | bytes, code: str, line: str | None) -> None:
    found = fault(tmp_path, text)
    assert found.code == code
    assert found.exit_code == 3
    if line is not None:
        assert str(found) == line


def test_aliases_cannot_explode(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert fault(tmp_path, "\n".join(levels)).code == "too_many_values"


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    assert fault(tmp_path, "a: " + "x" * 4_000_001).code == "file_too_large"


def test_a_missing_file_and_a_folder_are_faults(tmp_path: Path) -> None:
    with pytest.raises(DeclarationFault, match="there is no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(DeclarationFault, match="cannot be read"):
        read_yaml(tmp_path)


def test_what_a_fault_repeats_is_short_and_printable() -> None:
    assert printable("a\x1b[31mb") == "a?[31mb"
    assert len(printable("x" * 500)) == 60
