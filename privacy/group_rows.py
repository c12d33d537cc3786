"""Rows of a crosstab: the figures of each group, and how they differ from everybody's.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from privacy.components import Floats
from privacy.discoveries import false_sign_rate
from privacy.figure_rows import Setting, everybody_of, figure_rows, histogram_of
from privacy.group_belief import centred, group_belief
from privacy.group_errors import Difference, GroupNet, difference_of, net_figure, with_net_figure
from privacy.group_tables import net_weights, tilt
from privacy.intervals import Z95, CellNoise, Errors, figure_errors, group_noise, group_prior_sd
from privacy.residual import universe_of
from privacy.shrinkage import whole_interaction
from privacy.statistics import Figure, FigureSet
from schemas.attributes import CellRole
from schemas.nets import NET
from schemas.plan import table_id
from schemas.released import SummaryRow

GroupRow = tuple[SummaryRow, float | None]
"""A row, and for a difference the probability that its sign is wrong (1 where its sign is not considered)."""
DIFFERENCE = "_difference"
"""Ending of a statistic that is a group's figure less everybody's."""
_SIGNLESS = ("undefined", "no_information", "base")
"""Reasons for which the sign of a difference is not considered."""
_SUBJECT_FIRST = {"score": 0, "multi": 1, "single": 2}


def crosstab_rows(pair: tuple[str, ...], setting: Setting) -> Iterator[GroupRow]:
    """Figures of a question or index in each group of a demographic, then the differences from everybody's."""
    by_kind = sorted(pair, key=lambda n: (setting.attributes[n].is_group, _SUBJECT_FIRST[setting.attributes[n].kind]))
    name, group = by_kind
    groups = setting.attributes[group]
    table = setting.table(*pair)
    if table is None or setting.attributes[name].is_group or groups.kind != "single":
        return
    shown = groups.roles(CellRole.SUBSTANTIVE)
    figures, codes = setting.figures[name], [groups.cells[i].code for i in shown]
    counts = np.moveaxis(table.counts, pair.index(name), 0)[:, list(shown)]
    measured = setting.precision(*pair) > 0
    row, net = net_figure(figures), _group_net(name, group, shown, setting, measured=measured)
    errors = (
        _measured_groups(name, group, pair, counts, shown, setting, net)
        if measured
        else _assumed_groups(name, group, counts, shown, setting)
    )
    informative = [measured and table.informative] * len(figures.figures)
    difference: Difference | None = None
    if row is not None and net is not None:
        everybody = everybody_of(name, setting)
        difference = difference_of(figures.figures[row], row, errors.value[row], errors.base[row], everybody, net)
        errors = with_net_figure(errors, row, everybody, difference, net.of(net.effects.learned))
        informative[row] = table.informative
    rows = figure_rows(
        figures, errors, setting, informative=informative, model_based=not measured, group=group, codes=codes
    )
    yield from ((found, None) for found in rows)
    if row is not None and difference is not None:
        own = _errors_of(difference, errors, row)
        yield from _difference_rows(figures.figures[row], difference, own, setting, informative[row], group, codes)


def _group_net(name: str, group: str, shown: tuple[int, ...], setting: Setting, *, measured: bool) -> GroupNet | None:
    """What was learned of a head's net score in the groups; None where nothing could be."""
    effects, net = setting.estimates.effects.get(group), setting.attributes.get(f"{name}{NET}")
    if effects is None or net is None or name not in effects.heads:
        return None
    attribute, counts = setting.attributes[name], setting.estimates.tables[name].counts
    substantive = list(attribute.roles(CellRole.SUBSTANTIVE))
    abstained = next((w for i, w in enumerate(net.weights) if i not in substantive), 0) * attribute.unit / net.unit
    share = float(counts[substantive].sum() / counts.sum())
    weights = net_weights(attribute, net)
    return GroupNet(
        effects, effects.heads.index(name), shown, share, abstained, setting.interaction,
        weights, tilt(counts, attribute, weights), 0.0 if measured else _unasked(name, setting),
        setting.estimates.tables[group].counts[list(shown)] / setting.estimates.total,
    )  # fmt: skip


def _unasked(name: str, setting: Setting) -> float:
    """Of everybody, the share that was not asked, by the lower end of its 95 % interval."""
    table, places = setting.estimates.tables[name], setting.attributes[name].roles(CellRole.NOT_ASKED)
    found = sum(table.counts[i] - Z95 * table.noise_variance[i] ** 0.5 for i in places)
    return float(np.clip(found / setting.estimates.total, 0.0, 1.0))


def _errors_of(difference: Difference, errors: Errors, row: int) -> Errors:
    """The errors of one figure's differences, with the bases of its groups."""
    return Errors(
        value=difference.value[None],
        base=errors.base[row : row + 1],
        spread=errors.spread[row : row + 1],
        sampling_sd=difference.sampling_sd[None],
        noise_sd=difference.noise_sd[None],
        bias_sd=difference.bias_sd[None],
        base_sd=errors.base_sd[row : row + 1],
    )


def _difference_rows(
    figure: Figure,
    difference: Difference,
    errors: Errors,
    setting: Setting,
    informative: bool,
    group: str,
    codes: list[str],
) -> Iterator[GroupRow]:
    width = figure.most - figure.least
    about = replace(figure, statistic=f"{figure.statistic}{DIFFERENCE}", least=-width, most=width)
    alone = FigureSet([about], len(figure.values))
    rows = figure_rows(alone, errors, setting, informative=[informative], model_based=False, group=group, codes=codes)
    means, deviations = difference.lasting_mean.tolist(), difference.lasting_sd.tolist()
    for row, mean, deviation in zip(rows, means, deviations, strict=True):
        rate = 1.0 if row.reason in _SIGNLESS else false_sign_rate(mean, deviation)
        yield replace(row, significant=False), rate


def _measured_groups(
    name: str,
    group: str,
    pair: tuple[str, ...],
    counts: Floats,
    shown: tuple[int, ...],
    setting: Setting,
    net: GroupNet | None,
) -> Errors:
    figures, own, groups = setting.figures[name], setting.attributes[name], setting.attributes[group]
    margins = group_noise(
        name, own.size, group, groups.size, pair, universe_of((own, groups)), setting.precisions, kept=0.0
    )
    sizes = setting.estimates.tables[group]
    histogram = histogram_of(figures, setting, group)
    errors = figure_errors(
        figures, counts, margins, sizes.counts[list(shown)], float(sizes.noise_variance[shown[0]]) if shown else 0.0,
        None if histogram is None else histogram[:, list(shown)],
    )  # fmt: skip
    kept = setting.estimates.kept.get(table_id(pair))
    kept = whole_interaction(counts.shape) if kept is None else kept.of(pair.index(name), shown)
    noise = (groups.size - 1) / groups.size / setting.precision(*pair)
    whole = setting.estimates.tables[name].counts
    belief = group_belief(figures, everybody_of(name, setting), whole, errors.base, noise, kept, net)
    of_base = centred(figures.base) ** 2 @ kept.shares**2 * noise
    return replace(
        errors,
        noise_sd=np.sqrt(errors.noise_sd**2 + belief.noise),
        bias_sd=belief.bias_sd,
        base_sd=np.sqrt(errors.base_sd**2 + of_base),
        learned=belief.learned,
    )


def _assumed_groups(name: str, group: str, counts: Floats, shown: tuple[int, ...], setting: Setting) -> Errors:
    """Groups of a table that nobody measured: everybody's figure, with everybody's errors, and the prior as bias."""
    figures, everybody = setting.figures[name], everybody_of(name, setting)
    sizes = setting.estimates.tables[group]
    people = sizes.counts[list(shown)]
    still = CellNoise(0.0, 0.0, setting.attributes[name].size)
    own = figure_errors(figures, counts, still, people, 0.0)
    share = people / setting.estimates.total
    base_variance = (share * everybody.base_sd) ** 2
    base_variance = base_variance + (everybody.base / setting.estimates.total) ** 2 * sizes.noise_variance[list(shown)]
    bias = group_prior_sd(everybody, own.base, setting.interaction) + everybody.bias_sd
    shape = own.value.shape
    return replace(
        own,
        sampling_sd=np.broadcast_to(everybody.sampling_sd, shape),
        noise_sd=np.broadcast_to(everybody.noise_sd, shape),
        bias_sd=bias,
        base_sd=np.sqrt(base_variance),
    )
