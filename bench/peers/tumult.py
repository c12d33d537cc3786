"""Tumult Analytics on local Spark: IN.npz OUT.npz gaussian|laplace.

One grouped count a table over public keys, with an even part of ρ (Gaussian) or of ε (Laplace).
"""

import os
import sys

os.environ["PYSPARK_PYTHON"] = sys.executable

import pandas as pd
from exchange import from_rows, read_task, write_tables
from pyspark.sql import SparkSession
from tmlt.analytics import AddOneRow, KeySet, PureDPBudget, QueryBuilder, RhoZCDPBudget, Session

task = read_task()
laplace = sys.argv[3] == "laplace"
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.sql.shuffle.partitions", 1)
    .config("spark.default.parallelism", 1)
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
total = PureDPBudget(task.epsilon) if laplace else RhoZCDPBudget(task.rho)
rows = spark.createDataFrame(pd.DataFrame({name: codes.astype("int64") for name, codes in task.codes.items()})).cache()
session = Session.from_dataframe(total, "survey", rows, protected_change=AddOneRow())
part = (task.epsilon if laplace else task.rho) / len(task.tables) * (1 - 1e-12)
found = {}
for table in task.tables:
    keys = KeySet.from_dict({name: list(range(task.sizes[name])) for name in table})
    query = QueryBuilder("survey").groupby(keys).count("n", mechanism=sys.argv[3])
    answer = session.evaluate(query, PureDPBudget(part) if laplace else RhoZCDPBudget(part)).toPandas()
    cells = list(zip(*(answer[name].tolist() for name in table), strict=True))
    found[table] = from_rows(task, table, cells, answer["n"].tolist())
write_tables(found)
gateway = spark.sparkContext._gateway  # noqa: SLF001 (waited for, so that its processor time is counted)
spark.stop()
gateway.shutdown()
gateway.proc.stdin.close()
gateway.proc.wait()
