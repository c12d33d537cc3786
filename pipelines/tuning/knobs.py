"""What an officer turns, taken from a policy and put back into it. Everything else of the policy stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pydantic import ValidationError

from schemas.errors import DeclarationFault
from schemas.policy import Policy

Currency = Literal["epsilon", "rho"]
Pair = tuple[str, ...]

EMPHASES = ("toplines", "indices", "priority", "others", "demographics")
"""Kinds of table whose importance can be multiplied; 1 leaves it as the planner has it."""


@dataclass(frozen=True)
class Knobs:
    """`spend`: loss of one release in `currency`. `emphasis`: factors by kind. `priority`: crosstabs to be measured."""

    currency: Currency
    spend: float
    delta: float
    noise: str
    emphasis: Mapping[str, float]
    priority: tuple[Pair, ...]
    others: str
    publish_margin_points: float
    min_expected_base: int


def knobs_of(policy: Policy) -> Knobs:
    """The knobs as a policy has them."""
    in_rho = policy.spend.epsilon is None
    spend = policy.spend.rho if in_rho else policy.spend.epsilon
    return Knobs(
        currency="rho" if in_rho else "epsilon",
        spend=float(spend or 0.0),
        delta=policy.delta,
        noise=policy.spend.noise,
        emphasis={kind: dict(policy.workload.emphasis).get(kind, 1.0) for kind in EMPHASES},
        priority=policy.workload.crosstabs.priority,
        others=policy.workload.crosstabs.others,
        publish_margin_points=policy.precision.publish_margin_points,
        min_expected_base=policy.precision.min_expected_base,
    )


def turned(policy: Policy, knobs: Knobs) -> Policy:
    """The policy with these knobs. A factor of 1 is left out, unless the policy names it already.

    Raises: DeclarationFault: no policy can have these values.
    """
    named = dict(policy.workload.emphasis)
    emphasis = {kind: value for kind, value in knobs.emphasis.items() if value != 1.0 or kind in named}
    changed = policy.model_dump(mode="json", exclude_unset=True)
    changed["delta"] = knobs.delta
    changed["spend"] = {knobs.currency: knobs.spend, "noise": knobs.noise}
    workload = cast("dict[str, object]", changed.setdefault("workload", {}))
    crosstabs = dict(cast("dict[str, object]", workload.get("crosstabs", {})))
    wanted = {"priority": [list(pair) for pair in knobs.priority], "others": knobs.others}
    plain = policy.workload.crosstabs.model_dump(mode="json")
    crosstabs |= {key: value for key, value in wanted.items() if key in crosstabs or value != plain[key]}
    if crosstabs:
        workload["crosstabs"] = crosstabs
    if emphasis or "emphasis" in workload:
        workload["emphasis"] = emphasis
    if not workload:
        del changed["workload"]
    changed["precision"] = {
        "publish_margin_points": knobs.publish_margin_points,
        "min_expected_base": knobs.min_expected_base,
    }
    try:
        return Policy.model_validate(changed)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = "policy.yaml: " + ".".join(map(str, first["loc"]))
    raise DeclarationFault("value_wrong", first["msg"], where=where)
