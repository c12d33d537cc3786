"""Dictionaries of themes: a survey file names them, the loader reads them, the survey's digest covers them."""

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.declaration_faults import faults_of
from pipelines.yaml_lines import Spot, YamlFile, read_yaml
from schemas.errors import DeclarationFault
from schemas.themes import ThemeDictionary

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}\.ya?ml")


def with_dictionaries(file: YamlFile, directory: Path, found: list[DeclarationFault]) -> Any:
    """The survey file's content with the themes in place of every dictionary's name; faults are added to `found`."""
    _, section = file.root.follow(("questions",))
    if section is file.root or not isinstance(section.plain, list):
        return file.root.plain
    questions: list[Any] = list(section.plain)
    for position, question in enumerate(questions):
        if (
            isinstance(question, dict)
            and question.get("type") == "themes"
            and isinstance(question.get("dictionary"), str)
        ):
            name = str(question["dictionary"])
            themes = _themes(file, directory, ("questions", position, "dictionary"), name, found)
            questions[position] = question | {"dictionary": themes}
    whole: dict[str, Any] = dict(file.root.plain) if isinstance(file.root.plain, dict) else {}
    return whole | {"questions": questions}


def _themes(
    file: YamlFile, directory: Path, at: tuple[str | int, ...], name: str, found: list[DeclarationFault]
) -> dict[str, Any]:
    if not _FILE_NAME.fullmatch(name):
        what = "must be the name of a .yaml file in the directory of the declarations"
        found.append(file.fault("dictionary_name", what, at=at, do="Put the dictionary beside survey.yaml"))
        return _STANDS_FOR
    try:
        dictionary = read_yaml(directory / name)
    except DeclarationFault as fault:
        found.append(fault)
        return _STANDS_FOR
    try:
        ThemeDictionary.model_validate(dictionary.root.plain)
    except ValidationError as error:
        found.extend(faults_of(dictionary, ThemeDictionary, error))
        return _STANDS_FOR
    return _plain(dictionary.root)


def _plain(root: Spot) -> dict[str, Any]:
    return dict(root.plain) if isinstance(root.plain, dict) else {}


_STANDS_FOR: dict[str, Any] = {"unread": {"label": "Unread", "words": ["unread"]}}
"""In place of a dictionary that has a fault, so that the survey's other faults are found in the same reading."""
