"""A draft as the text of survey.yaml, with a comment wherever somebody must decide."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.drafting.codebook import Choice
from pipelines.drafting.draft import Draft, Item
from pipelines.drafting.export import Export
from pipelines.intake.formats.registry import SYSTEMS
from schemas.questions import OptionRole

OPEN = "TODO"
"""Marks what only the questionnaire or a person can say."""

_HEAD = f"""\
# Drafted by hearsafe init from column names, labels and codebooks. No answer was looked at: options come from the
# questionnaire, never from what was answered. {OPEN} marks what is open; hearsafe check lists it all, by line.
"""
_CONFIDENTIAL = """\
# CONFIDENTIAL. This file holds values of responses, as they were answered. Keep it where the export is kept, show it to
# nobody who may not see the export, and delete it when survey.yaml is done. Compare each value with the questionnaire:
# an option that was never chosen is missing here, and what people wrote themselves may be among them.
confidential: this key keeps hearsafe from reading this file as a declaration
"""
_DAY_OR_MONTH = ("%d/%m", "%m/%d")


@dataclass(frozen=True)
class Known:
    """What the person at the keyboard has said. None is left open."""

    survey: str
    year: int
    population: str | None = None
    responses: int | None = None
    frame: int | None = None
    verified_by: tuple[str, str | None] | None = None


def survey_text(draft: Draft, known: Known, *, confidential: bool = False) -> str:
    """The whole file. `confidential`: the draft holds values of responses, and the file says so."""
    lines = [*(_CONFIDENTIAL if confidential else _HEAD).splitlines(), *_heading(known), *_residents(draft, known)]
    lines += ["sources:", *(line for export in draft.exports for line in _source(export, draft))]
    if not draft.exports:
        systems = ", ".join(kind.name for kind in SYSTEMS)
        lines += [
            f"  # format: {systems},",
            "  # or delimited, xlsx, parquet",
            f"  - {{id: web, format: delimited}}  # {OPEN}",
        ]
    missing = {"": "not_answered"} | {k: v for e in draft.exports for k, v in e.kind.missing.items()}
    if any(item.columns is None for item in draft.questions):
        lines.append("# Codes that mean no answer, such as -99, or a question that was not put, such as NA:")
    lines.append(f"missing: {_flow({_text(raw): meaning for raw, meaning in missing.items()})}")
    writer = _Writer(any(export.kind in SYSTEMS for export in draft.exports))
    if draft.groups:
        lines += [
            "# The groups of crosstabs. Merge small categories: a group of forty people has no publishable figure."
        ]
        lines += ["demographics:", *(writer.line(item, "categories") for item in draft.groups)]
    lines += ["questions:" if draft.questions else f"questions: []  # {OPEN} none was recognised"]
    lines += [writer.line(item, "options") for item in draft.questions]
    if draft.indices:
        lines += ["indices:", *_indices(draft)]
    if draft.left_out:
        lines += _comment(
            "Columns of the survey system and of its design, left out. No weight is read: calibration has targets",
            draft.left_out,
        )
    if draft.twice:
        lines += _comment(
            f"{OPEN} these stand in the header more than once; rename them in the export to use them", draft.twice
        )
    return "\n".join(lines) + "\n"


def _heading(known: Known) -> Iterator[str]:
    yield f"survey: {known.survey}"
    yield f"title: {{en: {_text(known.survey.replace('-', ' ').capitalize())}}}  # {OPEN} as residents know it"
    yield "# The account that is charged: everybody who could be a resident here, the same in all surveys of them."
    yield f"population: {_text(known.population)}" if known.population else f"population:  # {OPEN}"
    yield "# The year is the one whose cap is charged, whenever the release happens."
    yield f'wave: {{id: "{known.year}", year: {known.year}}}'
    yield "# Public numbers for forecasts: what you would have said before fielding. Never compared with the data."
    if known.responses is None:
        yield "expected:"
        yield f"  responses:  # {OPEN}"
        if known.frame is not None:
            yield f"  frame: {known.frame}"
    else:
        frame = "" if known.frame is None else f", frame: {known.frame}"
        yield f"expected: {{responses: {known.responses}{frame}}}"


def _residents(draft: Draft, known: Known) -> Iterator[str]:
    mapped = {own for names in draft.mapped.values() for own in names.values()}
    yield "residents:"
    if draft.keys:
        name, how = draft.keys[0]
        yield "  # Who a response belongs to: each resident is counted once, by this key. It is hashed and forgotten."
        yield f"  key: [{_text(name)}]" + (
            "" if draft.is_key_declared else f"  # {OPEN} has each resident one, and only one?"
        )
        yield f"  normalise: {how}"
        others = [other for other, _ in draft.keys[1:] if other not in mapped]
        if others and not draft.is_key_declared:
            yield from _comment("Other candidates", others, "  ")
    else:
        yield f"  # {OPEN} no column names a resident, so the response is what is protected (unit in policy.yaml)."
        yield "  key: none"
        if draft.response_ids:
            yield from _comment(
                "Only where each resident could answer once, a number of responses is a key", draft.response_ids, "  "
            )
    if known.verified_by is not None:
        kind, match = known.verified_by
        said = f", match: {_text(match)}}}" if match else f"}}  # {OPEN} match: the column that holds the same key"
        yield f"  verified_by: {{format: {kind}{said}"
    key = {draft.keys[0][0], *mapped} if draft.keys else mapped
    dropped = [name for name in (*(n for n, _ in draft.keys[1:]), *draft.drop) if name not in key]
    if dropped:
        yield "  # Columns that say who answered, or hold what people wrote. They never reach the zone."
        yield "  drop:"
        yield from (f"    - {_text(name)}" for name in dict.fromkeys(dropped))


def _source(export: Export, draft: Draft) -> Iterator[str]:
    yield f"  - id: {export.source_id}"
    yield f"    format: {export.kind.name}"
    names = {column.name for column in export.columns}
    if export.long is not None:
        respondent, item, value = export.long
        yield f"    layout: long  # {OPEN} one line is one answer?"
        yield f"    respondent: [{_text(respondent)}]  # {OPEN} all columns that together name a respondent"
        yield f"    item: {_text(item)}"
        yield f"    value: {_text(value)}"
    kept = {name: values for name, values in export.kind.where.items() if name in names}
    if kept:
        shown = ", ".join(f"{_text(name)}: [{', '.join(map(_text, values))}]" for name, values in kept.items())
        paper = "; paper forms may have been keyed as previews" if export.kind.name == "qualtrics" else ""
        yield f"    where: {{{shown}}}  # {OPEN} are these all that count{paper}?"
    yield from _time(export)
    for name, values in export.complete.items():
        yield f"    complete: {{column: {_text(name)}, in: [{', '.join(map(_text, values))}]}}"
    mapped = draft.mapped.get(export.source_id, {})
    if mapped:
        yield f"    columns:  # {OPEN} the same columns under other names?"
        yield from (f"      {_text(name)}: {_text(own)}" for name, own in mapped.items())
    if export.long is None and len(draft.exports) > 1:
        key = [draft.keys[0][0]] if draft.keys else []
        if key and not {*key, *mapped} & {*names, *(k for k in mapped if k in key)}:
            yield f"    # {OPEN} the resident key is not in this export: map it under columns"
        used = [column for item in (*draft.groups, *draft.questions) for column in _columns_of(item)]
        absent = [name for name in used if name not in names and name not in mapped]
        if absent:
            yield "    absent:  # not in this export: map them under columns where it has another name for them"
            yield from (f"      - {_text(name)}" for name in absent)


def _time(export: Export) -> Iterator[str]:
    if export.time is None:
        return
    first = next(iter(export.times), None)
    if first is None:
        yield f"    # {OPEN} no known pattern reads every {_text(export.time)}; write it as strptime does:"
        yield f'    # time: {{column: {_text(export.time)}, pattern: ""}}'
        return
    either = first[:5] in _DAY_OR_MONTH and set(_DAY_OR_MONTH) <= {pattern[:5] for pattern in export.times}
    question = f"  # {OPEN} or is the other number the month?" if either else ""
    yield f"    time: {{column: {_text(export.time)}, pattern: {_text(first)}}}{question}"


def _columns_of(item: Item) -> tuple[str, ...]:
    return tuple(item.columns.values()) if item.columns is not None else (item.column,)


def _indices(draft: Draft) -> Iterator[str]:
    positive = {item.id for item in draft.questions if item.positive}
    for name, items in draft.indices.items():
        known = [item for item in items if item in {q.id for q in draft.questions}]
        score = "" if set(known) <= positive else ", score: mean"
        label = name.replace("_", " ").capitalize()
        yield f"  - {{id: {name}, label: {{en: {_text(label)}}}{score}, items: [{', '.join(known)}]}}"


def _comment(what: str, names: Sequence[str], indent: str = "") -> Iterator[str]:
    yield f"{indent}# {what}:"
    line = ""
    for name in names:
        shown = _text(name)
        if line and len(line) + len(shown) > 110:
            yield f"{indent}#   {line},"
            line = ""
        line = f"{line}, {shown}" if line else shown
    yield f"{indent}#   {line}"


def _text(value: str) -> str:
    """The value as a YAML scalar in double quotes; JSON's escapes are YAML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f").replace("\x85", "\\u0085")


def _flow(parts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}"


class _Writer:
    """Writes items; a scale that returns is written once and named."""

    def __init__(self, may_export_labels: bool) -> None:
        self._may_export_labels = may_export_labels
        self._named: dict[str, str] = {}

    def line(self, item: Item, word: str) -> str:
        parts = {"id": item.id}
        if item.columns is None:
            parts["column"] = _text(item.column)
        if word == "options":
            parts["type"] = item.type
        if item.text:
            parts["label" if word == "categories" else "text"] = f"{{en: {_text(item.text)}}}"
        open_ends: list[str] = [item.note] if item.note else []
        if item.type == "numeric":
            self._numeric(item, parts, open_ends)
        elif item.type != "nps":
            self._options(item, word, parts, open_ends)
        note = f"  # {'; '.join(open_ends)}" if open_ends else ""
        return f"  - {_flow(parts)}{note}"

    def _numeric(self, item: Item, parts: dict[str, str], open_ends: list[str]) -> None:
        if item.bounds is None:
            open_ends.append(f"{OPEN} bounds and bins: the range that the form allows")
            return
        low, high = item.bounds
        edges = dict.fromkeys(_number(round(low + (high - low) * i / 5)) for i in range(5))
        parts["bounds"] = f"[{_number(low)}, {_number(high)}]"
        inner = [edge for edge in edges if low < float(edge) < high]
        parts["bins"] = f"[{', '.join((_number(low), *inner, _number(high)))}]"

    def _options(self, item: Item, word: str, parts: dict[str, str], open_ends: list[str]) -> None:
        options = item.options or {}
        if item.type == "multi":
            parts["at_most"] = str(item.at_most or max(len(options), 1))
            if item.at_most is None and len(options) > 2:
                open_ends.append(f"{OPEN} at_most: how many did the form allow? Loss grows with it")
            if item.columns is not None:
                parts["columns"] = _flow({_text(code): _text(name) for code, name in item.columns.items()})
            elif item.separator != ",":
                parts["separator"] = _text(item.separator)
        parts[word] = self._scale(options, is_reversed=item.is_reversed, is_split=item.columns is not None)
        if not options:
            open_ends.append(f"{OPEN} {word} from the questionnaire")
        if item.half_steps:
            parts["half_steps"] = "true"
        if item.positive and word == "options":
            parts["positive"] = f"[{', '.join(map(_text, item.positive))}]"

    def _scale(self, options: Mapping[str, Choice], *, is_reversed: bool, is_split: bool) -> str:
        asked = [code for code, choice in options.items() if choice.role is OptionRole.SUBSTANTIVE]
        labels = [choice.label for choice in options.values()]
        shown: dict[str, str] = {}
        for code, choice in options.items():
            more: dict[str, str] = {}
            if choice.role is not OptionRole.SUBSTANTIVE:
                more["role"] = choice.role.value
            if is_reversed and code in asked:
                more["score"] = str(len(asked) - asked.index(code))
            unlike = choice.label != code and choice.label not in options and labels.count(choice.label) == 1
            if self._may_export_labels and unlike and not is_split:
                more["also"] = f"[{_text(choice.label)}]"
            label = _text(choice.label)
            shown[_text(code)] = _flow({"label": label, **more}) if more else label
        written = _flow(shown)
        if len(shown) < 3:
            return written
        if written in self._named:
            return f"*{self._named[written]}"
        self._named[written] = f"scale_{len(self._named) + 1}"
        return f"&{self._named[written]} {written}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
