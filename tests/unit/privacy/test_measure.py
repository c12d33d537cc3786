"""Exact cannot be looked at, Released cannot be forged, and sealed measurements belong to one charge."""

import copy
import pickle
from threading import Barrier

import numpy as np
import pytest

from privacy.measure import (
    Exact,
    Measurements,
    Released,
    check_charge,
    measure,
    received,
    seal,
    seal_binding,
    to_bytes,
    unseal,
)
from privacy.mechanisms import privacy_map
from schemas.attributes import Attribute, Cell, CellRole
from schemas.errors import IntegrityFault, InternalFault, ZoneFault
from schemas.ledger import Charge
from schemas.plan import MarginForecast, MeasuredTable, Plan, PublishedTable, nano

AREA = Attribute(
    id="area", kind="single", origin="demographic", label="Area",
    cells=tuple(Cell(code=c, label=c, role=CellRole.SUBSTANTIVE) for c in "nse"),
)  # fmt: skip
FORECAST = MarginForecast(low_points=1, high_points=2, sampling_points=1, noise_points=1, base=100)


def make_plan(scale: float = 5.0, l2_squared: int = 1) -> Plan:
    rho = nano(privacy_map("discrete_gaussian", scale, 1, l2_squared)[0])
    table = MeasuredTable(
        attributes=("area",), shape=(3,), unit=1, l1=1, l2_squared=l2_squared, mechanism="discrete_gaussian", scale=scale,
        charge_nano_rho=rho, charge_nano_pure_epsilon=None,
    )  # fmt: skip
    published = PublishedTable(
        attributes=("area",), kind="demographic", priority=False, measured=True, informative=True, share_of_loss=1.0,
        forecast=FORECAST,
    )  # fmt: skip
    return Plan(
        survey="s", wave="1", year=2026, population="p", unit="resident", shared_keys=False, delta=1e-6, noise="gaussian",
        noise_reason="", spend_nano_rho=rho, charge_nano_rho=rho, charge_nano_pure_epsilon=None, epsilon=1.0,
        interaction=3.0, measured=(table,), published=(published,), survey_digest="0" * 64, policy_digest="1" * 64,
    )  # fmt: skip


def make_charge(plan: Plan, rho: int | None = None) -> Charge:
    return Charge(
        release_id="r", population="p", year=2026, survey="s", wave="1", plan_digest="2" * 64, survey_digest="0" * 64,
        policy_digest="1" * 64, snapshot_id="x", attempt=1, charge_nano_rho=plan.charge_nano_rho if rho is None else rho,
        charge_nano_pure_epsilon=None, mechanism="discrete_gaussian", measured_tables=1, delta=1e-6,
    )  # fmt: skip


def counts() -> Exact:
    return Exact({"area": np.array([7919, 0, 3], dtype=np.int64)})


@pytest.mark.parametrize(
    "look",
    [
        str, iter, len, bool, hash, pickle.dumps, copy.copy, copy.deepcopy, lambda e: e == e, lambda e: e != e,
        lambda e: e[0], lambda e: f"{e:>3}", vars, lambda e: e.value,
    ],
)  # fmt: skip
def test_exact_gives_nothing_away(look) -> None:
    exact = counts()
    assert repr(exact) == "<Exact>"
    try:
        shown = look(exact)
    except (InternalFault, TypeError, AttributeError) as refusal:
        shown = refusal
    assert "7919" not in f"{shown!r}"
    assert shown == "<Exact>" or isinstance(shown, Exception)


def test_released_cannot_be_made_elsewhere() -> None:
    with pytest.raises(InternalFault):
        Released(5, object())


def test_measure_draws_every_planned_table_once() -> None:
    calls: list[tuple[str, float, list[int]]] = []

    def draw(mechanism, scale, values):
        calls.append((mechanism, scale, values))
        return [v + 1 for v in values]

    plan = make_plan()
    released = measure(plan, counts(), make_charge(plan), draw=draw)
    assert calls == [("discrete_gaussian", 5.0, [7919, 0, 3])]
    assert released.value.tables["area"].tolist() == [7920, 1, 4]


def test_many_cells_are_drawn_by_several_threads_each_table_once() -> None:
    """Two tables at once (each waits for the other), and every table gets its own cells back."""
    base, many = make_plan(), 6
    tables = tuple(
        base.measured[0].model_copy(update={"attributes": (f"a{i}",), "shape": (1000,)}) for i in range(many)
    )
    plan = base.model_copy(update={"measured": tables})
    exact = {table.id: np.arange(1000, dtype=np.int64) + 1000 * i for i, table in enumerate(tables)}
    together, calls = Barrier(2), list[int]()

    def draw(mechanism: str, scale: float, values: list[int]) -> list[int]:
        together.wait(30)
        calls.append(values[0])
        return [-value for value in values]

    released = measure(plan, Exact(exact), make_charge(plan), draw=draw)
    assert sorted(calls) == [1000 * i for i in range(many)]
    assert list(released.value.tables) == [table.id for table in tables]
    assert all(np.array_equal(cells, -exact[name]) for name, cells in released.value.tables.items())


def test_charge_below_the_map_is_refused() -> None:
    plan = make_plan()
    check_charge(plan, {"area": AREA}, make_charge(plan))
    with pytest.raises(IntegrityFault, match="costs more"):
        check_charge(plan, {"area": AREA}, make_charge(plan, plan.charge_nano_rho - 1))


def test_understated_sensitivity_is_refused() -> None:
    shared = make_plan().model_copy(update={"shared_keys": True})
    with pytest.raises(IntegrityFault, match="sensitivity"):
        check_charge(shared, {"area": AREA}, make_charge(shared))


def test_seal_is_bound_to_key_charge_and_snapshot() -> None:
    plan = make_plan()
    released = measure(plan, counts(), make_charge(plan))
    binding = seal_binding(3, "f" * 64, "2" * 64, "snapshot")
    sealed = seal(released, b"k" * 32, binding, b"n" * 12)
    again = unseal(sealed, b"k" * 32, binding, plan)
    assert isinstance(again.value, Measurements)
    assert again.value.tables["area"].tolist() == released.value.tables["area"].tolist()
    for key, other in ((b"x" * 32, binding), (b"k" * 32, seal_binding(4, "f" * 64, "2" * 64, "snapshot"))):
        with pytest.raises(ZoneFault):
            unseal(sealed, key, other, plan)
    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises(ZoneFault):
            unseal(bytes(damaged), b"k" * 32, binding, plan)


def test_foreign_measurements_are_refused() -> None:
    plan = make_plan()
    content = to_bytes(measure(plan, counts(), make_charge(plan)))
    with pytest.raises(IntegrityFault):
        received(content[:-8], plan)
