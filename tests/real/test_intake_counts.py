"""The encoded batches of intake, counted by plain NumPy, against the oracle: every cell and every crosstab."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from pipelines.declarations import load_declarations
from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import EncodedBatch, SourceFile
from schemas.attributes import MICRO, Attribute, zone_columns
from tests.real.oracle import CellKey, Oracle
from tests.real.surveys import BLOOMINGTON, SOMERVILLE_2017, SURVEYS, TAMPA_BAY, RealSurvey, each

pytestmark = pytest.mark.needs_shared

ById = Callable[[RealSurvey], Oracle]
HALF_MICRO = 0.5 / MICRO
"""A respondent's score is stored in whole millionths."""


def weights_of(rows: pa.Table, position: int, attribute: Attribute) -> NDArray[np.float64]:
    """(responses, cells): how much of each response lies in each cell."""
    columns = [rows.column(name).to_numpy().astype(np.int64) for name in zone_columns(position, attribute)]
    weights = np.zeros((rows.num_rows, attribute.size))
    everybody = np.arange(rows.num_rows)
    if attribute.kind == "multi":
        return np.stack(columns, axis=1).astype(np.float64)
    (column,) = columns
    if attribute.kind == "single":
        weights[everybody, column] = 1
        return weights
    answered = column >= 0
    weights[answered, 0] = column[answered] / MICRO
    weights[answered, 1] = 1 - column[answered] / MICRO
    weights[everybody[~answered], -column[~answered]] = 1
    return weights


@pytest.fixture(scope="module")
def encoded(shared_data: Path) -> Callable[[RealSurvey], tuple[tuple[Attribute, ...], list[EncodedBatch]]]:
    found: dict[str, tuple[tuple[Attribute, ...], list[EncodedBatch]]] = {}

    def of(survey: RealSurvey) -> tuple[tuple[Attribute, ...], list[EncodedBatch]]:
        if survey.name not in found:
            declarations = load_declarations(survey.folder)
            files = [SourceFile(source, path) for source, path in survey.paths(shared_data)]
            batches = list(encoded_batches(declarations.survey, files, bytes(32), None))
            found[survey.name] = declarations.attributes, batches
        return found[survey.name]

    return of


Encoded = Callable[[RealSurvey], tuple[tuple[Attribute, ...], list[EncodedBatch]]]


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_nothing_is_lost_or_quarantined(survey: RealSurvey, encoded: Encoded, oracle: ById) -> None:
    _, batches = encoded(survey)
    rows = pa.concat_tables([batch.rows for batch in batches])
    assert rows.num_rows == survey.responses == oracle(survey).responses
    assert sum(batch.read for batch in batches) == rows.num_rows + sum(batch.excluded for batch in batches)
    assert [spoilt for batch in batches for spoilt in batch.quarantined] == []
    pseudonyms = rows.column("pseudonym").to_pylist()
    assert len(set(pseudonyms)) == len(pseudonyms)


@pytest.mark.parametrize("survey", each(*SURVEYS))
def test_counts_and_crosstabs_equal_the_oracle(survey: RealSurvey, encoded: Encoded, oracle: ById) -> None:
    attributes, batches = encoded(survey)
    rows = pa.concat_tables([batch.rows for batch in batches])
    weights = {a.id: weights_of(rows, i, a) for i, a in enumerate(attributes)}
    one_way: dict[CellKey, float] = {}
    by_group: dict[CellKey, float] = {}
    for attribute in attributes:
        totals = weights[attribute.id].sum(axis=0)
        for cell, total in zip(attribute.cells, totals, strict=True):
            one_way[frozenset({(attribute.id, cell.code)})] = total
        for group in attributes:
            if not group.is_group or group is attribute:
                continue
            table = weights[group.id].T @ weights[attribute.id]
            for i, g in enumerate(group.cells):
                for j, a in enumerate(attribute.cells):
                    by_group[frozenset({(group.id, g.code), (attribute.id, a.code)})] = table[i, j]
    for ours, truth in ((one_way, oracle(survey).one_way()), (by_group, oracle(survey).by_group())):
        assert set(truth) <= set(ours)
        scores = {a.id for a in attributes if a.kind == "score"}
        for key, count in ours.items():
            slack = survey.responses * HALF_MICRO + 1e-6 if any(attribute in scores for attribute, _ in key) else 0.0
            assert abs(count - truth.get(key, 0.0)) <= slack, sorted(key)


def test_times_are_read_in_each_source_s_own_order_of_day_and_month(encoded: Encoded) -> None:
    _, batches = encoded(TAMPA_BAY)
    seen = np.concatenate([batch.rows.column("seen_at").to_numpy() for batch in batches]).astype("datetime64[us]")
    assert (seen >= np.datetime64("2024-07-01")).all()
    assert (seen < np.datetime64("2025-01-01")).all()


@pytest.mark.parametrize("survey", each(BLOOMINGTON, SOMERVILLE_2017))
def test_without_a_time_column_the_time_is_unknown(survey: RealSurvey, encoded: Encoded) -> None:
    _, batches = encoded(survey)
    assert all((batch.rows.column("seen_at").to_numpy() == -1).all() for batch in batches)
