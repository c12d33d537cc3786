"""Whether a card and the released tables say the same: row sets, noise parameters, charges, estimates."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isclose, isfinite, prod, sqrt
from typing import Any

import pyarrow as pa

from pipelines.outlet.context import printed_epsilon
from pipelines.outlet.parquet import axes_columns
from privacy.odds import odds
from schemas.card import Card, CardAttribute, MeasuredOnCard, OddsFigures, ScopeLoss
from schemas.errors import IntegrityFault
from schemas.manifest import CARD_FILE, ESTIMATES_FILE, MEASUREMENTS_FILE, SUMMARY_FILE
from schemas.plan import NANO
from schemas.released import REASONS

_AXES = ("attribute_1", "code_1", "attribute_2", "code_2", "attribute_3", "code_3")
_CELL = ("table", *_AXES)
_FIGURE = ("subject", "statistic", "option", "group_attribute", "group", "weighted", "compared_with")


def _refuse(name: str, what: str) -> None:
    raise IntegrityFault("card_disagrees", what, where=name)


def _columns(table: pa.Table, names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: table.column(name).to_pylist() for name in names}


def _expected(
    tables: Sequence[tuple[str, Mapping[str, Any]]], attributes: Mapping[str, CardAttribute]
) -> dict[str, list[Any]]:
    """Columns of a file over (table id, values that are constant in the table), in row order."""
    columns: dict[str, list[Any]] = {}
    for name, constants in tables:
        axes = [(a, [cell.code for cell in attributes[a].cells]) for a in name.split("*")]
        block = axes_columns(axes)
        size = len(block["code_1"])
        for column, value in ({"table": name} | dict(constants)).items():
            columns.setdefault(column, []).extend([value] * size)
        for column in _AXES:
            columns.setdefault(column, []).extend(block[column])
    return columns


def _attributes(card: Card) -> dict[str, CardAttribute]:
    return {attribute.id: attribute for attribute in card.instrument.attributes}


def _known(attributes: Mapping[str, CardAttribute], name: str, table: str) -> None:
    if not all(a in attributes for a in table.split("*")) or not 1 <= len(table.split("*")) <= 3:
        _refuse(name, "the file has a table of attributes that are not on the card")


def check_measurements(card: Card, table: pa.Table) -> None:
    """Rows are exactly the cells of the card's measured tables, each with the noise parameters that the card states."""
    measured, attributes = card.expert.implementation.measured, _attributes(card)
    for entry in measured:
        _known(attributes, MEASUREMENTS_FILE, entry.table)
    constants = [
        (
            entry.table,
            {
                "unit": entry.unit,
                "mechanism": entry.mechanism,
                "sensitivity_l1": entry.l1,
                "sensitivity_l2_squared": entry.l2_squared,
                "scale": entry.scale,
            },
        )
        for entry in measured
    ]
    wanted = _expected(constants, attributes)
    if _columns(table, tuple(wanted)) != wanted:
        _refuse(MEASUREMENTS_FILE, "the file does not have the rows and noise parameters that the card states")


def check_estimates(card: Card, table: pa.Table) -> None:
    """Rows are exactly the cells of the card's published tables, then of further one-way tables."""
    published, attributes = card.expert.implementation.published, _attributes(card)
    found = list(dict.fromkeys(table.column("table").to_pylist()))
    names = [entry.table for entry in published]
    for name in (*names, *found):
        _known(attributes, ESTIMATES_FILE, name)
    further = found[len(names) :]
    if found[: len(names)] != names or any("*" in name for name in further):
        _refuse(ESTIMATES_FILE, "the file does not have the tables that the card states")
    stated = [(e.table, {"kind": e.kind, "measured": e.measured}) for e in published]
    wanted = _expected([*stated, *((name, {"kind": None, "measured": None}) for name in further)], attributes)
    columns = _columns(table, (*_CELL, "kind", "measured"))
    rows = sum(1 for kind in wanted["kind"] if kind is not None)
    whole = all(columns[c] == wanted[c] for c in _CELL)
    if not whole or any(columns[c][:rows] != wanted[c][:rows] for c in ("kind", "measured")):
        _refuse(ESTIMATES_FILE, "the file does not have the rows that the card states")
    numbers = _columns(table, ("estimate_count", "noise_sd"))
    if not all(isfinite(x) and x >= -1e-6 for x in numbers["estimate_count"]) or any(
        x < 0 for x in numbers["noise_sd"]
    ):
        _refuse(ESTIMATES_FILE, "an estimate is negative or not a number")


def check_summary(card: Card, table: pa.Table) -> None:
    """Each figure is there once, is about something on the card, and says why where it is not publishable."""
    columns = _columns(table, table.column_names)
    attributes = _attributes(card)
    if set(columns["survey"]) - {card.survey} or set(columns["wave"]) - {card.wave}:
        _refuse(SUMMARY_FILE, "the file is of another survey or wave")
    keys = list(zip(*(columns[c] for c in _FIGURE), strict=True))
    if len(set(keys)) != len(keys):
        _refuse(SUMMARY_FILE, "a figure is there twice")
    codes = {a.id: {cell.code for cell in a.cells} for a in attributes.values()}
    for _, _, _, group_attribute, group, *_ in set(keys):
        if (group_attribute is None) != (group is None):
            _refuse(SUMMARY_FILE, "a group is named by half")
        if group_attribute is not None and group not in codes.get(group_attribute, ()):
            _refuse(SUMMARY_FILE, "a figure is about a group that is not on the card")
    facts = ("publishable", "reason", "value", "low", "high", "moe")
    for publishable, reason, value, low, high, moe in zip(*(columns[c] for c in facts), strict=True):
        if publishable != (reason == "") or (reason and reason not in REASONS):
            _refuse(SUMMARY_FILE, "a figure is not publishable without a known reason, or publishable with one")
        if publishable and (None in (value, low, high, moe) or not low - 1e-9 <= value <= high + 1e-9):
            _refuse(SUMMARY_FILE, "a publishable figure has no value inside its interval")


def check_card_numbers(card: Card, estimates: pa.Table) -> None:
    """Charges add up and buy the stated noise; conversions, odds and participation are right."""
    loss, measured = card.expert.privacy_loss, card.expert.implementation.measured
    if sum(e.charge_nano_rho for e in measured) != loss.charge_nano_rho:
        _refuse(CARD_FILE, "the charges of the measured tables do not add up to the charge")
    pures = [e.charge_nano_pure_epsilon for e in measured]
    pure = None if any(p is None for p in pures) else sum(p for p in pures if p is not None)
    if pure != loss.charge_nano_pure_epsilon:
        _refuse(CARD_FILE, "the pure charges of the measured tables do not add up to the charge")
    for entry in measured:
        if entry.charge_nano_rho < _least_nano_rho(entry.mechanism, entry.scale, entry.l1, entry.l2_squared):
            _refuse(CARD_FILE, f"table {entry.table} has less noise than its charge pays for")
        spread = entry.scale * (1 if entry.mechanism == "discrete_gaussian" else sqrt(2)) / entry.unit
        if not isclose(entry.noise_sd, spread, rel_tol=1e-9):
            _refuse(CARD_FILE, f"table {entry.table} states another noise than its scale gives")
    parameters = loss.privacy_parameters
    stated = (parameters.rho, parameters.pure_epsilon)
    if stated != (loss.charge_nano_rho / NANO, None if pure is None else pure / NANO):
        _refuse(CARD_FILE, "rho or pure epsilon is not that of the charge")
    if not _same(parameters.epsilon, printed_epsilon(loss.charge_nano_rho, pure, parameters.delta)):
        _refuse(CARD_FILE, "epsilon is not that of the charge at delta")
    if card.expert.model.counted_on != "zone worker" and "no network" in card.expert.model.isolation:
        _refuse(CARD_FILE, "the card claims an isolation that counting on a cluster does not have")
    _check_scopes(card)
    _check_participation(card, estimates)


def _least_nano_rho(mechanism: str, scale: float, l1: int, l2_squared: int) -> int:
    exact = Fraction(scale) ** 2
    rho = Fraction(l2_squared) / (2 * exact) if mechanism == "discrete_gaussian" else Fraction(l1) ** 2 / (2 * exact)
    return int(rho * NANO)


def _same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


def _check_scopes(card: Card) -> None:
    loss = card.expert.privacy_loss
    delta = loss.privacy_parameters.delta
    scopes = loss.spent.scopes()
    spent = [scope.spent_nano_rho for scope in scopes]
    if spent[0] != loss.charge_nano_rho or spent != sorted(spent):
        _refuse(CARD_FILE, "the loss spent does not grow from release to lifetime")
    for scope in scopes:
        if not _same(scope.spent_epsilon, printed_epsilon(scope.spent_nano_rho, scope.spent_nano_pure_epsilon, delta)):
            _refuse(CARD_FILE, f"epsilon of scope {scope.scope} is not that of its loss")
    exchange = any(_is_exchange(card, entry) for entry in card.expert.implementation.measured)
    for figures, scope in ((loss.odds, loss.spent.release), (loss.odds_this_year, loss.spent.year)):
        if not _odds_hold(figures, scope, delta, exchange):
            _refuse(CARD_FILE, f"the odds of scope {scope.scope} are not those of its loss")


def _is_exchange(card: Card, entry: MeasuredOnCard) -> bool:
    """Δ₁² / Δ₂² is the most cells of a respondent, twice that for an exchange, whatever the responses a unit."""
    attributes = _attributes(card)
    cells = prod(attributes[a].at_most for a in entry.table.split("*"))
    return entry.l1**2 == 2 * cells * entry.l2_squared


def _odds_hold(figures: OddsFigures, scope: ScopeLoss, delta: float, exchange: bool) -> bool:
    found = odds(scope.spent_nano_rho, scope.spent_nano_pure_epsilon, delta, charged_as_exchange=exchange)
    said, wanted = (figures.took_part_pct, figures.answered_pct), (found.took_part_pct, found.answered_pct)
    close = all(isclose(one, other, abs_tol=0.11, rel_tol=0) for one, other in zip(said, wanted, strict=True))
    return close and figures.failure == found.failure


def _check_participation(card: Card, estimates: pa.Table) -> None:
    """The first one-way table whose cells sum to respondents, against the card; both are post-processed estimates."""
    respondents = next((a.id for a in card.instrument.attributes if a.kind != "multi"), None)
    columns = _columns(estimates, ("table", "estimate_count"))
    cells = [n for name, n in zip(columns["table"], columns["estimate_count"], strict=True) if name == respondents]
    stated = card.expert.participation.estimated_respondents
    if cells and not isclose(sum(cells), stated, rel_tol=0.01, abs_tol=1.0):
        _refuse(CARD_FILE, "the estimated number of respondents is not that of the estimates")
