"""What may and what may not be concluded from figures with margins, in sentences."""

from collections.abc import Sequence
from itertools import combinations

from pipelines.exploring.releases import FigureRow
from pipelines.outlet.charts import REASON_WORDS, value_words

MOST = 12


def apart(one: FigureRow, other: FigureRow) -> bool:
    """Whether two figures' 95 % intervals do not meet: a cautious test, whatever links their errors."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low > other.high or other.low > one.high


def may_be_concluded(rows: Sequence[FigureRow]) -> list[str]:
    """Differences between publishable figures that are beyond their margins, the widest gap first."""
    known = [row for row in rows if row.publishable and row.value is not None]
    if len(known) == 1:
        return [_alone(known[0])]
    found = [
        (abs((one.value or 0.0) - (other.value or 0.0)), one, other)
        for one, other in combinations(known, 2)
        if apart(one, other)
    ]
    found.sort(key=lambda item: -item[0])
    sentences = [
        f"{_name(high, rows)} ({_value(high)}) is higher than {_name(low, rows)} ({_value(low)})."
        for _, high, low in (_ordered(one, other, gap) for gap, one, other in found[:MOST])
    ]
    if len(found) > MOST:
        sentences.append(f"And {len(found) - MOST} more differences like these.")
    return sentences or ["No difference between these figures is larger than chance and noise could make it."]


def _alone(row: FigureRow) -> str:
    """What one figure says for itself."""
    if row.low is None or row.high is None:
        return f"{row.name}: {_value(row)}."
    ends = f"{value_words(row.low, row.unit)} and {value_words(row.high, row.unit)}"
    return f"{row.name}: {_value(row)}, and had everybody been asked most likely between {ends} (19 times in 20)."


def _ordered(one: FigureRow, other: FigureRow, gap: float) -> tuple[float, FigureRow, FigureRow]:
    return (gap, one, other) if (one.value or 0.0) > (other.value or 0.0) else (gap, other, one)


def may_not_be_concluded(rows: Sequence[FigureRow]) -> list[str]:
    """Pairs that look different and need not be, and figures that cannot be quoted at all."""
    known = [row for row in rows if row.publishable and row.value is not None]
    close = [pair for pair in combinations(known, 2) if not apart(*pair) and _value(pair[0]) != _value(pair[1])]
    sentences = [
        f"That {_name(a, rows)} ({_value(a)}) and {_name(b, rows)} ({_value(b)}) differ: their intervals meet."
        for a, b in close[:MOST]
    ]
    for reason in dict.fromkeys(row.reason for row in rows if not row.publishable):
        names = ", ".join(_name(row, rows) for row in rows if row.reason == reason)
        sentences.append(f"Anything about {names}: {REASON_WORDS.get(reason, reason)}.")
    sentences.append("Anything about one person: the noise hides what any one of them answered.")
    sentences.append("That one thing causes another: a survey shows what goes together.")
    return sentences


def _name(row: FigureRow, rows: Sequence[FigureRow]) -> str:
    waves = {other.wave for other in rows}
    return f"{row.name} in {row.wave}" if len(waves) > 1 else row.name


def _value(row: FigureRow) -> str:
    return "–" if row.value is None else value_words(row.value, row.unit)
