"""The same tables by Tumult Analytics on local Spark: one grouped count a table. Run in its own venv as: CSV

Public keys are those that the other peers may find: integers up to 6; blank and unreadable answers are 0.
"""

import os
import sys
from tempfile import TemporaryDirectory

os.environ["PYSPARK_PYTHON"] = sys.executable

from pyspark.sql import SparkSession
from pyspark.sql.functions import coalesce, col, lit
from tmlt.analytics import AddOneRow, KeySet, PureDPBudget, QueryBuilder, Session

_CODES = list(range(7))
_CORES = 2


def main(export: str) -> None:
    """Every one-way table and every group × question table at an equal share of ε = 2."""
    with TemporaryDirectory() as warehouse:
        _measure(export, warehouse)


def _measure(export: str, warehouse: str) -> None:
    spark = (
        SparkSession.builder.master(f"local[{_CORES}]")
        .config("spark.sql.shuffle.partitions", _CORES)
        .config("spark.sql.warehouse.dir", warehouse)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    read = spark.read.csv(export, header=True).drop("When", "Email")
    rows = read.select([coalesce(col(name).cast("int"), lit(0)).alias(name) for name in read.columns]).cache()
    groups = [name for name in rows.columns if not (name.startswith("Q") and name[1:].isdigit())]
    questions = [name for name in rows.columns if name not in groups]
    tables = [[name] for name in rows.columns] + [[g, q] for q in questions for g in groups]
    session = Session.from_dataframe(PureDPBudget(2.0), "survey", rows, protected_change=AddOneRow())
    part = PureDPBudget(2.0 / len(tables) * (1 - 1e-12))
    for names in tables:
        keys = KeySet.from_dict(dict.fromkeys(names, _CODES))
        session.evaluate(QueryBuilder("survey").groupby(keys).count("n"), part).toPandas()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
