"""SmartNoise SQL over pandas: IN.npz OUT.npz gaussian|laplace.

One GROUP BY a table, all with the same parameters. Gaussian: each table gets the (ε, δ) that its even part of ρ
converts to, so that SmartNoise's own search finds the σ of that part; its odometer, which does not know ρ, would allow
less. Laplace: an even part of ε each. Counts below 0 are clamped (a setting). Rare cells are not censored, since the
list of cells is public. A cell that nobody is in is not returned and read as 0: that flatters the error, and is not
differentially private.
"""

import sys

import pandas as pd
from exchange import from_rows, read_task, write_tables
from snsql import Mechanism, Privacy, Stat, from_df

task = read_task()
names = {name: f"c{number}" for number, name in enumerate(task.sizes)}
frame = pd.DataFrame({names[name]: codes.astype("int64") for name, codes in task.codes.items()})
frame.insert(0, "resident", range(len(frame)))
columns = {short: {"type": "int", "lower": 0, "upper": task.sizes[name] - 1} for name, short in names.items()}
survey = {
    "resident": {"type": "int", "private_id": True}, **columns,
    "max_ids": 1, "rows": len(frame), "censor_dims": False, "clamp_counts": True, "sample_max_ids": False,
}  # fmt: skip
if sys.argv[3] == "laplace":
    privacy = Privacy(epsilon=task.epsilon / len(task.tables), delta=0.0)
else:
    privacy = Privacy(epsilon=task.table_epsilon, delta=task.delta)
    privacy.mechanisms.map[Stat.count] = Mechanism.gaussian
reader = from_df(frame, privacy=privacy, metadata={"": {"bench": {"survey": survey}}})
found = {}
for table in task.tables:
    keys = ", ".join(names[name] for name in table)
    _, *answer = reader.execute(f"SELECT {keys}, COUNT(*) AS n FROM bench.survey GROUP BY {keys}")
    cells = [tuple(int(code) for code in row[:-1]) for row in answer]
    found[table] = from_rows(task, table, cells, [float(row[-1]) for row in answer])
write_tables(found)
