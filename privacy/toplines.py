"""Toplines learned from each other: questions with the same answer options have similar answers, and noise has not.

Cells that every question has (not answered, not readable) are drawn to what all one-way tables say of them. Within a
family (single-choice questions with the same cells) the shares are modelled as draws from one normal law,
whose mean and covariance the family itself tells (parametric empirical Bayes); each question is drawn to the family's
mean as far as its noise is larger than the spread of the family. Nothing is believed about families that are too small.

Source: Efron and Morris 1973; Robbins 1956; covariance drawn to a multiple of identity as in Ledoit and Wolf 2004; what
its estimate adds to the errors, to first order, as in Prasad and Rao 1990.
Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from privacy.components import Floats, Key
from privacy.project import onto_simplex
from schemas.attributes import Attribute, CellRole
from schemas.nets import NET

LEAST_FAMILY = 3
"""Questions that a family needs before it says anything of its members."""
LEAST_SHARED = 5
"""One-way tables that must have a cell of the same role before they say anything of it together."""
_SHARED = (CellRole.INVALID, CellRole.NOT_ANSWERED)
_LEAST_SPREAD = 1e-3
_LEAST_PEOPLE = 1.0
"""Standard deviation, as a share of everybody and in respondents, below which the spread of a shared cell is not
believed: the second so that without noise nothing moves."""
_SINGULAR = 1e-10


@dataclass(frozen=True)
class CellErrors:
    """Covariances of an attribute's cells, in respondents²: what is left of the privacy noise, what shrinkage may have
    got wrong (the part of the family's spread that was not learned), and the spread; None where there is no family.
    """

    noise: Floats
    bias: Floats
    prior: Floats | None = None


@dataclass(frozen=True)
class Toplines:
    """Centred one-way components after learning, and their errors, by attribute id."""

    parts: Mapping[str, Floats]
    errors: Mapping[str, CellErrors]


def _centring(size: int) -> Floats:
    return np.eye(size) - 1 / size


def _with_net(
    part: Floats, covariance: Floats, weights: Floats, total: float, net: float, net_variance: float
) -> tuple[Floats, Floats]:
    """A one-way component after the sum of its net score over all groups is also known (Gaussian conditioning)."""
    across = covariance @ weights
    expected = float(weights @ part) + total * float(weights.mean())
    gain = across / (float(weights @ across) + net_variance)
    return part + gain * (net - expected), covariance - np.outer(gain, across)


def _own(
    name: str,
    attribute: Attribute,
    nets: Mapping[str, Attribute],
    parts: Mapping[Key, Floats],
    precisions: Mapping[Key, float],
    total: float,
) -> tuple[Floats, Floats] | None:
    precision = precisions.get(("", (name,)), 0.0)
    if precision <= 0:
        return None
    part, covariance = parts["", (name,)], _centring(attribute.size) / precision
    net = nets.get(name)
    known = 0.0 if net is None else precisions.get((net.id, ()), 0.0)
    if net is None or known <= 0:
        return part, covariance
    weights = np.array(net.weights) * attribute.unit / net.unit
    return _with_net(part, covariance, weights, total, float(parts[net.id, ()]), 1 / known)


_Own = tuple[Floats, Floats]
"""A centred one-way component and its covariance."""


def _shared_cells(
    attributes: Mapping[str, Attribute], own: Mapping[str, _Own], total: float
) -> dict[CellRole, tuple[float, float]]:
    """Mean and variance of the true counts in the cells of a role, over all attributes that have one such cell."""
    found: dict[CellRole, tuple[float, float]] = {}
    for role in _SHARED:
        cells = [(name, attributes[name].roles(role)) for name in own]
        seen = [(name, places[0]) for name, places in cells if len(places) == 1]
        if len(seen) < LEAST_SHARED:
            continue
        values = np.array([own[name][0][place] + total / attributes[name].size for name, place in seen])
        noises = np.array([own[name][1][place, place] for name, place in seen])
        mean = max(float(np.average(values, weights=1 / noises)), 0.0)
        spread = float(np.average((values - mean) ** 2 - noises, weights=1 / noises))
        found[role] = mean, max(spread, (_LEAST_SPREAD * total) ** 2, _LEAST_PEOPLE**2)
    return found


def _with_shared(attribute: Attribute, own: _Own, shared: Mapping[CellRole, tuple[float, float]], total: float) -> _Own:
    part, covariance = own
    for role, (mean, variance) in shared.items():
        for place in attribute.roles(role):
            gain = covariance[:, place] / (covariance[place, place] + variance)
            part = part + gain * (mean - total / attribute.size - part[place])
            covariance = covariance - np.outer(gain, covariance[place])
    return part, covariance


def families(attributes: Mapping[str, Attribute]) -> list[list[str]]:
    """Single-choice attributes by their cells' codes and roles; each demographic alone."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, attribute in attributes.items():
        if attribute.kind == "single":
            alone = ((name, ""),) if attribute.is_group else ()
            found.setdefault((*alone, *((c.code, c.role.value) for c in attribute.cells)), []).append(name)
    return list(found.values())


def _spread_of(values: Floats, mean: Floats, noise: Floats) -> Floats:
    """Covariance of a family's true shares: that of the estimates less the noise, positive part, drawn to a multiple of
    identity as far as the family is small.
    """
    members, size = values.shape
    excess = (values - mean).T @ (values - mean) / (members - 1) - noise
    level, vectors = np.linalg.eigh(excess)
    own = (vectors * np.maximum(level, 0.0)) @ vectors.T
    weight = members / (members + size)
    even = max(float(np.trace(excess)), 0.0) / (size - 1)
    return weight * own + (1 - weight) * even * _centring(size)


def learned_toplines(
    attributes: Mapping[str, Attribute],
    parts: Mapping[Key, Floats],
    precisions: Mapping[Key, float],
    total: float,
) -> Toplines:
    """Every measured single-choice attribute's one-way component, drawn to its family. Shapes: cells of the question.

    Args:
        attributes: of the release, with net scores (ids ending in `schemas.nets.NET`).
        parts, precisions: least-squares components and their precisions.
        total: respondents.
    """
    nets = {a.of: a for a in attributes.values() if a.kind == "net" and a.of is not None}
    plain = {name: a for name, a in attributes.items() if not name.endswith(NET)}
    single = {name: attribute for name, attribute in plain.items() if attribute.kind == "single"}
    measured = {name: _own(name, attribute, nets, parts, precisions, total) for name, attribute in single.items()}
    own = {name: pair for name, pair in measured.items() if pair is not None}
    shared = _shared_cells(single, own, total)
    own = {name: _with_shared(single[name], pair, shared, total) for name, pair in own.items()}
    found: dict[str, Floats] = {}
    errors: dict[str, CellErrors] = {}
    for members in families(plain):
        known = {name: own[name] for name in members if name in own}
        if not known:
            continue
        size = plain[members[0]].size
        values = np.array([part for part, _ in known.values()])
        noises = np.array([covariance for _, covariance in known.values()])
        if len(known) < LEAST_FAMILY:
            for name, value, noise in zip(known, values, noises, strict=True):
                found[name], errors[name] = value, CellErrors(noise, np.zeros((size, size)))
            continue
        feasible = onto_simplex(values.mean(axis=0)[None] + total / size, np.array([total]))[0]
        mean = feasible - total / size
        spread = _spread_of(values, mean, noises.mean(axis=0))
        for name, value, noise in zip(known, values, noises, strict=True):
            inverse = np.linalg.pinv(spread + noise, rcond=_SINGULAR, hermitian=True)
            gain = spread @ inverse
            rest = np.eye(size) - gain
            found[name] = mean + gain @ (value - mean)
            unsure = gain @ noise * (size / len(known))
            errors[name] = CellErrors(gain @ noise @ gain.T, rest @ spread @ rest.T + unsure, spread)
    return Toplines(found, errors)
