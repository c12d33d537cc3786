"""Who answered: shares of each demographic among respondents, next to the population where it is declared."""

from collections import defaultdict
from dataclasses import dataclass

import pyarrow as pa

from pipelines.outlet.charts import PERCENT, Bar, about, margin_words, position, value_words
from pipelines.outlet.figures import Figures, bar
from schemas.attributes import CellRole
from schemas.card import Card, CardAttribute


@dataclass(frozen=True)
class Participation:
    """One demographic: who answered, next to the population where it is declared."""

    label: str
    bars: tuple[Bar, ...]
    has_targets: bool


def participation_of(card: Card, figures: Figures, estimates: pa.Table) -> tuple[Participation, ...]:
    """Every demographic of the card that the estimates hold, in the order of the survey."""
    columns = [estimates.column(c).to_pylist() for c in ("table", "code_1", "estimate_count", "noise_sd")]
    counts: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for table, code, count, spread in zip(*columns, strict=True):
        if "*" not in table:
            counts[table][code] = (count, spread)
    found: list[Participation] = []
    for attribute in card.instrument.attributes:
        if attribute.origin in ("demographic", "verified") and attribute.id in counts:
            bars = _shares(attribute, counts[attribute.id], figures)
            found.append(Participation(attribute.label, bars, bool(attribute.targets)))
    return tuple(found)


def _shares(attribute: CardAttribute, counts: dict[str, tuple[float, float]], figures: Figures) -> tuple[Bar, ...]:
    """Share of respondents by category (unweighted: this is who answered), with the noise's margin."""
    shown = [
        cell for cell in attribute.cells if cell.role in (CellRole.SUBSTANTIVE, CellRole.NO_OPINION, CellRole.REFUSED)
    ]
    total = sum(counts[cell.code][0] for cell in shown)
    bars: list[Bar] = []
    for cell in shown:
        count, spread = counts[cell.code]
        target = attribute.targets.get(cell.code)
        mark = "" if target is None else value_words(100 * target, "percent")
        figure = figures.overall(attribute.id, "pct", cell.code, weighted=False)
        if figure is not None:
            row = bar(cell.label, figure, PERCENT, target=mark)
            bars.append(row._replace(grey=False, note="", base=about(count)))
            continue
        share, margin = (100 * count / total, 196 * spread / total) if total > 0 else (0.0, 100.0)
        margin = min(margin, 100.0)
        bars.append(
            Bar(
                label=cell.label,
                value=value_words(share, "percent"),
                margin=margin_words(margin, "percent"),
                at=position(share, PERCENT),
                low=position(share - margin, PERCENT),
                high=position(share + margin, PERCENT),
                note="",
                grey=False,
                base=about(count),
                target=mark,
            )
        )
    return tuple(bars)
