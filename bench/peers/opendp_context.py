"""The same tables by OpenDP's Context over Polars: one private group_by a table. Run as: opendp_context.py CSV"""

import sys

import opendp.prelude as dp
import polars as pl

dp.enable_features("contrib")


def main(export: str) -> None:
    """Every one-way table and every group × question table at an equal share of ε = 2."""
    read = pl.read_csv(export, infer_schema=False).drop("When", "Email")
    groups = [name for name in read.columns if not (name.startswith("Q") and name[1:].isdigit())]
    questions = [name for name in read.columns if name not in groups]
    frame = read.select(pl.all().cast(pl.Int32, strict=False).fill_null(0))
    tables = [[name] for name in read.columns] + [[g, q] for q in questions for g in groups]
    context = dp.Context.compositor(
        data=frame.lazy(),
        privacy_unit=dp.unit_of(contributions=1),
        privacy_loss=dp.loss_of(epsilon=2.0),
        split_evenly_over=len(tables),
        margins=[dp.polars.Margin(by=names, invariant="keys") for names in tables],
    )
    for names in tables:
        context.query().group_by(names).agg(pl.len().dp.noise()).release().collect()


if __name__ == "__main__":
    main(*sys.argv[1:])
