"""From columns and codebooks to the parts of a survey file. No answer is looked at."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.drafting.codebook import Choice, Codebook, Entry
from pipelines.drafting.export import Column, Export
from pipelines.drafting.roles import (
    is_design,
    is_group,
    is_identity,
    is_open_text,
    is_positive,
    is_scale,
    key_normalisation,
    numbers_responses,
)
from schemas.questions import OptionRole

_SPLIT = re.compile(r"(?P<question>.+?)(?:___(?P<redcap>_?[^_].*)|\[(?P<lime>[^\]]+)\])")
_SELECTED = " - Selected Choice - "
_LONGEST_ID = 40


@dataclass(frozen=True)
class Item:
    """A question or demographic of the draft. What is None or empty is for the questionnaire to say.

    `columns`: by option, for a multi-select of one column an option; else `column` is given.
    """

    id: str
    type: str
    column: str = ""
    columns: Mapping[str, str] | None = None
    text: str = ""
    options: Mapping[str, Choice] | None = None
    positive: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    separator: str = ""
    is_reversed: bool = False
    half_steps: bool = False
    at_most: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Draft:
    """The parts of a survey file.

    `drop`: identity and open text. `keys`: candidates for the resident key, with their normalisation, the best first.
    `response_ids`: columns that only number responses. `left_out`: everything else that is no question.
    `mapped`: by source, the declared columns that it has under another spelling.
    """

    exports: tuple[Export, ...]
    groups: tuple[Item, ...]
    questions: tuple[Item, ...]
    indices: Mapping[str, tuple[str, ...]]
    drop: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    is_key_declared: bool
    response_ids: tuple[str, ...]
    left_out: tuple[str, ...]
    twice: tuple[str, ...]
    mapped: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])


def drafted(exports: Sequence[Export], codebook: Codebook) -> Draft:
    """Sort the columns of all exports into the parts of one survey file."""
    mapped = {export.source_id: _respelled(exports[:place], export) for place, export in enumerate(exports)}
    columns = _all_columns(exports, codebook, mapped)
    entries = {column.name: _labelled(codebook, column) for column in columns}
    service = {name for export in exports for name in _service(export)}
    known_identity = {name for export in exports for name in export.kind.identity}
    declared = tuple(c.name for c in columns if entries[c.name].type == "key")
    keys = tuple((name, key_normalisation(name) or "code") for name in declared) or _key_candidates(exports, columns)
    key_names = {name for name, _ in (keys if declared else keys[:1])}
    for export in exports:
        mapped[export.source_id] |= _other_keys(keys, key_names, export)
    key_names |= {own for names in mapped.values() for own in names.values() if own in {c.name for c in columns}}
    identity: list[str] = []
    left_out: list[str] = []
    asked: list[Column] = []
    for column in columns:
        kind, name = entries[column.name].type, column.name
        if name in key_names:
            continue
        if kind == "skip" or (kind is None and (name in service or name.startswith("Q_R") or is_design(name))):
            left_out.append(name)
        elif kind in ("identity", "text") or (kind is None and _says_who(column, entries[name], known_identity)):
            identity.append(name)
        else:
            asked.append(column)
    items, indices = _items(asked, entries, exports, _taken())
    return Draft(
        exports=tuple(exports),
        groups=tuple(item for item, is_demographic in items if is_demographic),
        questions=tuple(item for item, is_demographic in items if not is_demographic),
        indices=indices,
        drop=tuple(identity),
        keys=keys,
        is_key_declared=bool(declared),
        response_ids=tuple(name for name in identity if numbers_responses(name)),
        left_out=tuple(left_out),
        twice=tuple(dict.fromkeys(name for export in exports for name in export.twice)),
        mapped=mapped,
    )


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _respelled(before: Sequence[Export], export: Export) -> dict[str, str]:
    """Columns of earlier exports that this one has with the same letters, spelled otherwise: declared → own name."""
    own = {_letters(column.name): column.name for column in export.columns}
    names = {column.name for column in export.columns}
    earlier = [column.name for other in before for column in other.columns if column.name not in names]
    return {name: own[_letters(name)] for name in earlier if len(_letters(name)) > 2 and _letters(name) in own}


def _other_keys(keys: Sequence[tuple[str, str]], chosen: set[str], export: Export) -> dict[str, str]:
    """The resident key under the name of another candidate of its kind, where an export lacks it."""
    names = {column.name for column in export.columns}
    found: dict[str, str] = {}
    for name, how in keys:
        other = next((n for n, h in keys if h == how and n in names and n not in chosen), None)
        if name in chosen and name not in names and other is not None:
            found[name] = other
    return found


def _all_columns(
    exports: Sequence[Export], codebook: Codebook, mapped: Mapping[str, Mapping[str, str]]
) -> list[Column]:
    """The columns of all exports, each once under its declared name; of a long export the codebook's items."""
    found: dict[str, Column] = {}
    for export in exports:
        respelled = set(mapped[export.source_id].values())
        columns = export.columns
        if export.long is not None:
            roles = set(export.long)
            columns = (*(c for c in columns if c.name not in roles), *(Column(name) for name in codebook.names()))
        for column in columns:
            if column.name not in respelled:
                found.setdefault(column.name, column)
    return list(found.values())


def _labelled(codebook: Codebook, column: Column) -> Entry:
    """What the codebook says of a column, or of the question that it is a choice of."""
    entry = codebook.of(column.name)
    split = _SPLIT.fullmatch(column.name)
    if entry == Entry() and split is not None:
        entry = codebook.of(split.group("question"))
    if entry == Entry() and column.question:
        entry = codebook.of(column.question)
    return entry


def _service(export: Export) -> Iterable[str]:
    yield from (*export.kind.service, *export.complete, *export.kind.where)
    yield from (name for name in (export.time, export.kind.filled_when_complete) if name is not None)
    if export.kind.name in ("redcap", "limesurvey"):
        yield from (c.name for c in export.columns if c.name.endswith(("_complete", "_timestamp", "Time")))


def _key_candidates(exports: Sequence[Export], columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    known = {name: how for export in exports for name, how in export.kind.resident_key.items()}
    names = {column.name for column in columns}
    by_name = [(c.name, how) for c in columns if (how := key_normalisation(c.name)) is not None]
    return tuple(dict([*((name, how) for name, how in known.items() if name in names), *by_name]).items())


def _says_who(column: Column, entry: Entry, known_identity: set[str]) -> bool:
    if column.name in known_identity:
        return True
    if column.question or entry.values is not None:
        return is_open_text(column.choice)
    if column.name.startswith("Other - "):
        return True
    label = entry.label or column.label
    return is_identity(column.name, label) or is_open_text(column.name, label)


def _taken() -> set[str]:
    return {"verified", "not_answered"}


def _items(
    columns: Sequence[Column], entries: Mapping[str, Entry], exports: Sequence[Export], taken: set[str]
) -> tuple[list[tuple[Item, bool]], dict[str, tuple[str, ...]]]:
    """The items in the order of their columns, each with whether it is a demographic; and the indices."""
    found: list[tuple[Item, bool]] = []
    indices: dict[str, tuple[str, ...]] = {}
    names = {column.name for column in columns}
    joined_by = exports[0].kind.joined_by if exports else ","
    grouped = _grouped(columns, entries, names)
    done: set[str] = set()
    for column in columns:
        question = grouped.get(column.name)
        if question is not None:
            members = [c for c in columns if grouped.get(c.name) == question]
            if question not in done and not (question in names and question not in (m.name for m in members)):
                done.add(question)
                found.append((_split_multi(question, members, entries, taken), False))
            continue
        entry = entries[column.name]
        choices = [c for c in columns if grouped.get(c.name) == column.name]
        item = _item(column, entry, joined_by, taken)
        if choices and item.options is None:
            item = replace(item, type="multi", separator=joined_by, options=_options_of(column.name, choices))
        asked_of_whom = entry.type == "group" or (
            entry.type is None and item.type in ("choice", "rating") and is_group(column.name, item.text)
        )
        found.append((item, asked_of_whom and item.type != "multi"))
        if entry.index:
            index = _slug(entry.index)
            indices[index] = (*indices.get(index, ()), item.id)
    return found, indices


def _grouped(columns: Sequence[Column], entries: Mapping[str, Entry], names: set[str]) -> dict[str, str]:
    """The question of each column that is one option of a multi-select."""
    others = {m.group("question") for c in columns if (m := _SPLIT.fullmatch(c.name)) and m.group("lime") == "other"}
    found: dict[str, str] = {}
    for column in columns:
        entry, split = entries[column.name], _SPLIT.fullmatch(column.name)
        stem, slash, _ = column.name.rpartition("/")
        if entry.question:
            found[column.name] = entry.question
        elif entry.type not in (None, "multi"):
            continue
        elif column.question:
            found[column.name] = column.question
        elif split is not None and (
            split.group("redcap") or split.group("question") in others or entry.type == "multi"
        ):
            found[column.name] = split.group("question")
        elif slash and stem in names:
            found[column.name] = stem
        elif _SELECTED in column.label:
            found[column.name] = column.name.rpartition("_")[0] or column.name
    return found


def _split_multi(question: str, members: Sequence[Column], entries: Mapping[str, Entry], taken: set[str]) -> Item:
    members = [c for c in members if _option_code(question, c).casefold() != "other" or not c.name.endswith("[other]")]
    asked = {entries[c.name].label for c in members} if not entries[members[0].name].question else set[str | None]()
    text = members[0].label.partition(_SELECTED)[0] or (next(iter(asked)) or "" if len(asked) == 1 else "")
    seen: set[str] = set()
    codes = [_new(_own_code(entries[c.name]) or _option_code(question, c), seen) for c in members]
    values = {code: _option_of(code, c, entries[c.name]) for code, c in zip(codes, members, strict=True)}
    return Item(
        id=_identifier(question, taken),
        type="multi",
        columns={code: c.name for code, c in zip(codes, members, strict=True)},
        text=text or (question if " " in question else ""),
        options=values,
        at_most=next((at_most for c in members if (at_most := entries[c.name].at_most) is not None), None),
    )


def _own_code(entry: Entry) -> str | None:
    """The code that a codebook gives to a column that is one option: survey firms write it into the cell."""
    return next(iter(entry.values)) if entry.question and entry.values is not None and len(entry.values) == 1 else None


def _option_code(question: str, column: Column) -> str:
    split = _SPLIT.fullmatch(column.name)
    if split is not None and split.group("redcap"):
        code = split.group("redcap")
        return f"-{code[1:]}" if code.startswith("_") else code
    if split is not None and split.group("lime"):
        return split.group("lime")
    if column.name.startswith(f"{question}/"):
        return column.name[len(question) + 1 :]
    return column.choice or column.label.partition(_SELECTED)[2] or column.name


def _option_of(code: str, column: Column, entry: Entry) -> Choice:
    if entry.values is not None and code in entry.values:
        return entry.values[code]
    own = entry.label if entry.question else None
    return Choice(own or column.choice or column.label.partition(_SELECTED)[2] or code)


def _options_of(question: str, choices: Sequence[Column]) -> dict[str, Choice]:
    codes = (_option_code(question, column) for column in choices)
    return {code: Choice(code) for code in codes}


def _item(column: Column, entry: Entry, joined_by: str, taken: set[str]) -> Item:
    text = entry.label or column.label or (column.name if " " in column.name else "")
    options = entry.values
    kind = entry.type if entry.type not in (None, "group", "key", "identity", "text", "skip") else None
    labels = [choice.label for choice in options.values()] if options is not None else []
    kind = kind or ("numeric" if entry.bounds is not None else "rating" if is_scale(labels) else "choice")
    positive = entry.positive
    if positive is None and options is not None and kind == "rating":
        positive = _favourable(options)
    return Item(
        id=_identifier(entry.id or column.name, taken),
        type=kind,
        column=column.name,
        text=text,
        options=None if kind in ("numeric", "nps") else options,
        positive=tuple(code for code in positive or () if options is not None and code in options),
        bounds=entry.bounds,
        separator=entry.separator or joined_by,
        is_reversed=bool(entry.reverse),
        half_steps=bool(entry.half_steps),
        at_most=entry.at_most,
    )


def _favourable(options: Mapping[str, Choice]) -> tuple[str, ...]:
    """The options that are favourable beyond doubt; none where all are, or none is."""
    asked = {code: choice.label for code, choice in options.items() if choice.role is OptionRole.SUBSTANTIVE}
    found = tuple(code for code, label in asked.items() if is_positive(label))
    return found if len(found) < len(asked) else ()


def _identifier(name: str, taken: set[str]) -> str:
    """A new id from a name: its first words in lower case."""
    return _new(_slug(name), taken)


def _slug(name: str) -> str:
    numbering = re.sub(r"^\s*[0-9]+[a-z]?[.)]?\s+(?=\S)", "", name) if " " in name else name
    parts = [part for part in re.split(r"[^a-z0-9]+", numbering.lower()) if part]
    stem = ""
    for part in parts:
        longer = f"{stem}_{part}" if stem else part
        if len(longer) > _LONGEST_ID and stem:
            break
        stem = longer[:_LONGEST_ID]
    return stem if stem[:1].isalpha() else f"q_{stem}".rstrip("_")


def _new(stem: str, taken: set[str]) -> str:
    """The stem, with a number where it is taken; taken from now on."""
    found, number = stem, 2
    while found in taken:
        found = f"{stem}_{number}"
        number += 1
    taken.add(found)
    return found
