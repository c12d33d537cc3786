"""The mutation build: twelve privacy bugs that systems really had, each planted by replacing a function for a while.

Nothing of it is in production code. After THREATS: 2× and 1.5× sensitivity, half the noise, no deduplication, key set
from the data, exact base, second draw on retry, wrong clamp, unscaled multi, shared seed, float path, weights from data.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from pipelines.intake.numeric import NumericReader
from pipelines.zone import counting, crossing_room, responses
from pipelines.zone.duckdb_engine import DuckDBEngine
from privacy import measure as measuring
from privacy import mechanisms, sensitivity
from privacy.measure import Exact, Released, _unwrap
from schemas.attributes import MICRO

Plant = Callable[[pytest.MonkeyPatch], None]
BUGS: dict[str, Plant] = {}
_OURS = ("privacy", "pipelines", "tests")


def bug(name: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        BUGS[name] = plant
        return plant

    return register


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """The block runs with this bug; None: as the code is."""
    with pytest.MonkeyPatch.context() as patch:
        if name is not None:
            BUGS[name](patch)
        yield


def everywhere(patch: pytest.MonkeyPatch, original: Any, replacement: Any) -> None:
    """Replace a function under every name that a module of ours has for it."""
    for module in [m for name, m in sys.modules.items() if name.partition(".")[0] in _OURS]:
        for name, value in list(vars(module).items()):
            if value is original and module.__name__ != __name__:
                patch.setattr(module, name, replacement)


def _other_counts(patch: pytest.MonkeyPatch, change: Callable[[np.ndarray], np.ndarray]) -> None:
    plain = counting.count_tables

    def count(*arguments: Any) -> Exact[Mapping[str, np.ndarray]]:
        return Exact({name: change(cells) for name, cells in _unwrap(plain(*arguments)).items()})

    everywhere(patch, plain, count)


def _other_draw(patch: pytest.MonkeyPatch, draw: Callable[[str, float, list[int]], list[int]]) -> None:
    """Production's draw. Tests that hand their own to `measure` keep it."""
    patch.setattr(measuring.measure, "__defaults__", (draw,))
    everywhere(patch, mechanisms.draw, draw)


def _other_release(patch: pytest.MonkeyPatch, change: Callable[[np.ndarray, np.ndarray], None]) -> None:
    """`change(noisy, exact)` alters what leaves the measurement, table by table."""
    plain = measuring.measure

    def measure(plan: Any, exact: Any, *rest: Any, **named: Any) -> Released[Any]:
        released = plain(plan, exact, *rest, **named)
        for name, cells in _unwrap(exact).items():
            change(released.value.tables[name], cells)
        return released

    everywhere(patch, plain, measure)


@bug("sensitivity twice as large")
def twice(patch: pytest.MonkeyPatch) -> None:
    _other_counts(patch, lambda cells: cells * 2)


@bug("sensitivity half as large again")
def half_again(patch: pytest.MonkeyPatch) -> None:
    _other_counts(patch, lambda cells: cells * 3 // 2)


@bug("half the noise")
def half_the_noise(patch: pytest.MonkeyPatch) -> None:
    plain = mechanisms.draw
    _other_draw(patch, lambda mechanism, scale, exact: plain(mechanism, scale / 2, exact))


@bug("no deduplication")
def no_deduplication(patch: pytest.MonkeyPatch) -> None:
    def settle(connection: Any, fresh: str, earlier: list[str], **_: Any) -> None:
        every = " UNION ALL ".join(f"SELECT * FROM {table}" for table in earlier)
        connection.execute(f"CREATE TABLE {fresh}.core_responses AS {every}")

    everywhere(patch, responses.settle, settle)


@bug("key set from the data")
def key_set_from_the_data(patch: pytest.MonkeyPatch) -> None:
    def leave_out(noisy: np.ndarray, exact: np.ndarray) -> None:
        noisy[exact == 0] = 0

    _other_release(patch, leave_out)


@bug("exact base")
def exact_base(patch: pytest.MonkeyPatch) -> None:
    def keep_total(noisy: np.ndarray, exact: np.ndarray) -> None:
        noisy.flat[0] += exact.sum() - noisy.sum()

    _other_release(patch, keep_total)


@bug("second draw on retry")
def second_draw(patch: pytest.MonkeyPatch) -> None:
    def draw_again(crossing: Any, event: Any) -> Released[Any]:
        with crossing_room.ready_zone(crossing) as zone:
            charge = crossing_room._charge_of(event, crossing, zone.snapshot)
            packing = crossing_room.release_packing(crossing.survey, crossing.plan, "300MB")
            engine = DuckDBEngine(zone.connection, "zone.core_responses")
            exact = counting.count_tables(engine, packing, crossing.plan.measured)
        return crossing_room.measure(crossing.plan, exact, charge)

    everywhere(patch, crossing_room.unseal_earlier, draw_again)


@bug("wrong clamp")
def wrong_clamp(patch: pytest.MonkeyPatch) -> None:
    def score_of(self: NumericReader, value: str) -> int:
        try:
            share = (float(value) - float(self._low)) / (float(self._high) - float(self._low))
        except ValueError:
            return -self._score_cells[None]
        return int(max(-0.0, min(share if share == share else 0, 10.0)) * MICRO)

    patch.setattr(NumericReader, "score_of", score_of)


@bug("multi not scaled by its ticks")
def unscaled_multi(patch: pytest.MonkeyPatch) -> None:
    def table_sensitivity(attributes: Any, *, shared_keys: bool, responses_per_unit: int = 1) -> Any:
        unit, exchange = sensitivity.table_unit(attributes), 2 if shared_keys else 1
        return sensitivity.Sensitivity(unit * responses_per_unit * exchange, unit**2 * responses_per_unit**2 * exchange)

    everywhere(patch, sensitivity.table_sensitivity, table_sensitivity)


@bug("shared seed")
def shared_seed(patch: pytest.MonkeyPatch) -> None:
    def draw(mechanism: str, scale: float, exact: list[int]) -> list[int]:
        return _continuous(np.random.default_rng(7), mechanism, scale, exact)

    _other_draw(patch, draw)


@bug("float path")
def float_path(patch: pytest.MonkeyPatch) -> None:
    def draw(mechanism: str, scale: float, exact: list[int]) -> list[int]:
        return _continuous(np.random.default_rng(), mechanism, scale, exact)

    _other_draw(patch, draw)


def _continuous(rng: np.random.Generator, mechanism: str, scale: float, exact: list[int]) -> list[int]:
    size = len(exact)
    noise = rng.laplace(0, scale, size) if mechanism == "discrete_laplace" else rng.normal(0, scale, size)
    return [int(cell) for cell in np.rint(np.array(exact, dtype=np.float64) + noise)]


@bug("weights from the data")
def weights_from_the_data(patch: pytest.MonkeyPatch) -> None:
    _other_counts(patch, lambda cells: cells * 1000 // max(int(cells.sum()), 1))
