"""PipelineDP on its local backend: IN.npz OUT.npz gaussian|laplace.

One aggregation over all tables: a resident contributes once to one cell of every table, so that the Gaussian mechanism
is calibrated once for the whole release (by its own exact condition for (ε, δ)). Partitions are public.
"""

import sys
from itertools import product

import pipeline_dp
from exchange import from_rows, read_task, write_tables

task = read_task()
laplace = sys.argv[3] == "laplace"
tables = task.tables
rows = []
for number, table in enumerate(tables):
    cells = zip(*(task.codes[name].tolist() for name in table), strict=True)
    rows += [(resident, (number, *cell)) for resident, cell in enumerate(cells)]
partitions = [
    (number, *cell)
    for number, table in enumerate(tables)
    for cell in product(*(range(size) for size in task.shape(table)))
]
accountant = pipeline_dp.NaiveBudgetAccountant(task.epsilon, 0 if laplace else task.delta, num_aggregations=1)
engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
answer = engine.aggregate(
    rows,
    pipeline_dp.AggregateParams(
        noise_kind=pipeline_dp.NoiseKind.LAPLACE if laplace else pipeline_dp.NoiseKind.GAUSSIAN,
        metrics=[pipeline_dp.Metrics.COUNT],
        max_partitions_contributed=len(tables),
        max_contributions_per_partition=1,
    ),
    pipeline_dp.DataExtractors(
        privacy_id_extractor=lambda row: row[0],
        partition_extractor=lambda row: row[1],
        value_extractor=lambda _: 0,
    ),
    public_partitions=partitions,
)
accountant.compute_budgets()
found: dict[int, list[tuple[tuple[int, ...], float]]] = {}
for (number, *cell), metrics in answer:
    found.setdefault(number, []).append((tuple(cell), metrics.count))
write_tables(
    {
        table: from_rows(task, table, [cell for cell, _ in found[number]], [count for _, count in found[number]])
        for number, table in enumerate(tables)
    }
)
