"""How the tables of a plan are counted in one scan: which columns share one packed integer key.

Every respondent becomes a few small integers (digits). A key packs several digits; the counts of its values hold every
table over any of its digits. Chosen from the plan and public numbers alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from pipelines.memory import bytes_of
from schemas.attributes import Attribute, attributes_of, zone_columns
from schemas.errors import InternalFault
from schemas.nets import with_nets
from schemas.plan import MeasuredTable, Plan
from schemas.survey import Survey

FEWEST_CELLS, MOST_CELLS = 1 << 12, 1 << 19
"""Cells of a key. Few: many keys, each a pass over the responses. Many: its counts leave the processor's cache."""
_HUB_PART = 64
"""A key keeps at least this many cells for what is counted together with the digits that most tables share."""
_OPEN_KEYS = 16
_CELL_BYTES = 8
QUARTER = 4
"""Of the worker's memory, a part each for counts and engine; the rest for libraries and responses on their way."""


@dataclass(frozen=True)
class Digit:
    """A small integer of every respondent: 0 … size − 1, the value of a zone column.

    `score`: of a score's column, 0 where it was answered and k where it holds the cell at position k.
    """

    column: str
    size: int
    score: bool = False


@dataclass(frozen=True)
class Amount:
    """An integer of every respondent to be summed: what a score's column gives to `high`."""

    column: str


@dataclass(frozen=True)
class Part:
    """A marginal that fills a part of a table: counts, or sums of `amount`, over `digits`.

    `place`: by axis of the table, the digit that runs along it, or the position that this part has on it.
    `ticked`: the 0/1 digits of which only 1 counts.
    """

    digits: tuple[Digit, ...]
    amount: Amount | None
    place: tuple[Digit | int, ...]
    ticked: frozenset[Digit]


@dataclass(frozen=True)
class Key:
    """Digits counted together, the first varying slowest, and the amounts summed over them."""

    digits: tuple[Digit, ...]
    amounts: tuple[Amount, ...]

    @cached_property
    def cells(self) -> int:
        return prod(digit.size for digit in self.digits)


@dataclass(frozen=True)
class NetSum:
    """A net score as a sum over the cells of a counted table's last axis."""

    source: str
    weights: tuple[int, ...]


@dataclass(frozen=True)
class Packing:
    """The keys of one scan, and the parts of every table with the key that holds each.

    `counted`: the tables of cells that are counted: those measured, and those that net scores are sums over. `nets`: by
    id of a measured net table.
    """

    keys: tuple[Key, ...]
    parts: Mapping[str, tuple[tuple[Part, int], ...]]
    counted: tuple[MeasuredTable, ...]
    nets: Mapping[str, NetSum]

    @property
    def columns(self) -> tuple[str, ...]:
        """The zone columns that are read: those of measured tables."""
        used = (part for key in self.keys for part in (*key.digits, *key.amounts))
        return tuple(dict.fromkeys(part.column for part in used))

    @property
    def memory(self) -> int:
        """Bytes of the counts."""
        return sum(key.cells * (1 + len(key.amounts)) * _CELL_BYTES for key in self.keys)


def packing_of(
    attributes: tuple[Attribute, ...], tables: Iterable[MeasuredTable], *, responses: int, memory: int
) -> Packing:
    """The packing of a plan's measured tables.

    Args:
        attributes: those of the zone, then net scores.
        responses: expected number, a public one. More responses make larger, and so fewer, keys worth it.
        memory: bytes that the counts may take, unless the tables themselves take more.
    """
    columns = {a.id: (a, zone_columns(position, a)) for position, a in enumerate(attributes)}
    by_id = {attribute.id: attribute for attribute in attributes}
    counted: dict[str, MeasuredTable] = {}
    nets: dict[str, NetSum] = {}
    for table in tables:
        source = _source(table, by_id)
        counted.setdefault(source.id, source)
        if source.id != table.id:
            nets[table.id] = NetSum(source.id, by_id[table.attributes[-1]].weights)
    parts = {name: _parts([columns[axis] for axis in table.attributes]) for name, table in counted.items()}
    cells = min(MOST_CELLS, max(FEWEST_CELLS, responses // 4))
    while True:
        found = Packing(*_packed(parts, cells), tuple(counted.values()), nets)
        if found.memory <= memory or cells <= FEWEST_CELLS:
            return found
        cells //= 2


def release_packing(survey: Survey, plan: Plan, memory: str) -> Packing:
    """The packing that a release of the plan counts by, under an operator's bound. Raises: UsageFault."""
    return packing_of(
        with_nets(survey, attributes_of(survey)),
        plan.measured,
        responses=survey.expected.responses,
        memory=bytes_of(memory) // QUARTER,
    )


def _parts(axes: list[tuple[Attribute, tuple[str, ...]]]) -> tuple[Part, ...]:
    """The parts of a table: one for every combination of the cells of its multis."""
    choices: list[list[tuple[Digit | int, Digit | None]]] = []
    amount: Amount | None = None
    for attribute, columns in axes:
        if attribute.kind == "multi":
            choices.append([(cell, Digit(column, 2)) for cell, column in enumerate(columns)])
        elif attribute.kind == "single":
            digit = Digit(columns[0], attribute.size)
            choices.append([(digit, digit)])
        elif amount is not None:
            raise InternalFault("two_sums", "a table would sum two things", where=attribute.id)
        else:
            amount, digit = Amount(columns[0]), Digit(columns[0], attribute.size, score=True)
            choices.append([(digit, digit)])
    found: list[Part] = []
    for chosen in product(*choices):
        digits = tuple(digit for _, digit in chosen if digit is not None)
        place = tuple(along for along, _ in chosen)
        found.append(Part(digits, amount, place, frozenset(d for along, d in chosen if d and isinstance(along, int))))
    return tuple(found)


def _source(table: MeasuredTable, by_id: Mapping[str, Attribute]) -> MeasuredTable:
    """The table of cells to count for a measured table: itself, or what its net score is a sum over."""
    net = by_id[table.attributes[-1]]
    if net.of is None:
        return table
    axes = {"attributes": (*table.attributes[:-1], net.of), "shape": (*table.shape[:-1], by_id[net.of].size)}
    return table.model_copy(update=axes)


def _packed(
    parts: Mapping[str, tuple[Part, ...]], cells: int
) -> tuple[tuple[Key, ...], dict[str, tuple[tuple[Part, int], ...]]]:
    """First fit: a part goes to a key that has its digits, else to the first open key that can take them."""
    every = [part for of_table in parts.values() for part in of_table]
    popular = Counter(digit for part in every for digit in part.digits)
    ranked = {digit: rank for rank, (digit, _) in enumerate(popular.most_common())}
    block = _blocks(list(ranked), cells // _HUB_PART)
    wanted = dict.fromkeys((tuple(sorted(part.digits, key=ranked.__getitem__)), part.amount) for part in every)
    order = sorted(
        wanted,
        key=lambda want: (min((block[d] for d in want[0]), default=0), [ranked[d] for d in reversed(want[0])]),
    )
    keys: list[tuple[set[Digit], dict[Amount, None]]] = []
    holding: defaultdict[Digit, list[int]] = defaultdict(list)
    holder: dict[tuple[tuple[Digit, ...], Amount | None], int] = {}
    for digits, amount in order:
        at = _fit(keys, holding, set(digits), cells)
        for digit in set(digits) - keys[at][0]:
            holding[digit].append(at)
        keys[at][0].update(digits)
        if amount is not None:
            keys[at][1][amount] = None
        holder[digits, amount] = at
    made = tuple(Key(tuple(sorted(digits, key=ranked.__getitem__)), tuple(amounts)) for digits, amounts in keys)

    def held(part: Part) -> int:
        return holder[tuple(sorted(part.digits, key=ranked.__getitem__)), part.amount]

    return made, {name: tuple((part, held(part)) for part in found) for name, found in parts.items()}


def _blocks(popular: list[Digit], cells: int) -> dict[Digit, int]:
    """Digits in the order of their popularity, in blocks of at most `cells` combinations each."""
    block: dict[Digit, int] = {}
    number, size = 0, 1
    for digit in popular:
        if size * digit.size > cells and size > 1:
            number, size = number + 1, 1
        size *= digit.size
        block[digit] = number
    return block


def _fit(
    keys: list[tuple[set[Digit], dict[Amount, None]]],
    holding: Mapping[Digit, list[int]],
    digits: set[Digit],
    cells: int,
) -> int:
    """The number of the key for these digits, a new one where none fits."""
    candidates = holding.get(min(digits, key=lambda d: len(holding.get(d, ()))), []) if digits else range(len(keys))
    for at in candidates:
        if digits <= keys[at][0]:
            return at
    for at in range(max(0, len(keys) - _OPEN_KEYS), len(keys)):
        if prod(digit.size for digit in keys[at][0] | digits) <= cells:
            return at
    keys.append((set(), {}))
    return len(keys) - 1
