"""The same tables by SmartNoise SQL: one private GROUP BY a table. Run in its own venv as: smartnoise_sql.py CSV

Answers are integers, as SmartNoise SQL wants them; blank and unreadable ones are 0.
"""

import sys

import pandas as pd
import snsql


def main(export: str) -> None:
    """Every one-way table and every group × question table at an equal share of ε = 2."""
    frame = pd.read_csv(export, dtype=str, keep_default_na=False).drop(columns=["When"])
    groups = [name for name in frame.columns if name != "Email" and not name.startswith("Q")]
    questions = [name for name in frame.columns if name.startswith("Q") and name[1:].isdigit()]
    for name in (*groups, *questions):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").fillna(0).astype(int)
    frame = frame.rename(columns={"Email": "resident"})
    frame["resident"] = range(len(frame))
    columns = {name: {"type": "int", "lower": 0, "upper": 9} for name in (*groups, *questions)}
    table = {"censor_dims": False, "rows": len(frame), "max_ids": 1, "resident": {"type": "int", "private_id": True}}
    metadata = {"": {"public": {"survey": table | columns}}}
    tables = [[name] for name in (*groups, *questions)] + [[g, q] for q in questions for g in groups]
    privacy = snsql.Privacy(epsilon=2 / len(tables), delta=1e-6 / len(tables))
    reader = snsql.from_df(frame, privacy=privacy, metadata=metadata)
    for names in tables:
        keys = ", ".join(names)
        reader.execute(f"SELECT {keys}, COUNT(*) AS n FROM public.survey GROUP BY {keys}")


if __name__ == "__main__":
    main(*sys.argv[1:])
