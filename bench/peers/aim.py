"""AIM (McKenna et al. 2022) through OpenDP's marginal extra: IN.npz OUT.npz [share of ρ for the one-way tables].

The workload of AIM is the declared demographic × question tables, and with them its one-way tables. A column's last
code goes in as null, which the extra would otherwise add to every column as a cell of its own. Programs that JAX
compiled are kept between runs, and run in the calling thread: both only save time.
"""

import sys
from pathlib import Path

import jax
import opendp.prelude as dp
import polars as pl
from exchange import read_task, write_tables

jax.config.update("jax_compilation_cache_dir", str(Path(sys.prefix, "compiled")))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_cpu_enable_async_dispatch", False)
dp.enable_features("contrib")
task = read_task()
split = float(sys.argv[3])
last = {name: size - 1 for name, size in task.sizes.items()}
rows = pl.DataFrame(
    [
        pl.Series(name, [None if code == last[name] else code for code in codes.tolist()], dtype=pl.Int64)
        for name, codes in task.codes.items()
    ]
)
context = dp.Context.compositor(
    data=rows.lazy(), privacy_unit=dp.unit_of(contributions=1), privacy_loss=dp.loss_of(rho=task.rho)
)
crosstabs = [dp.mbi.Count(table) for table in task.tables if len(table) == 2]
released = (
    context.query(rho=task.rho)
    .contingency_table(
        keys={name: [*range(last[name]), None] for name in task.sizes},
        algorithm=dp.mbi.AIM(queries=crosstabs, oneway_split=split),
    )
    .release()
)
write_tables({table: released.project(list(table)) for table in task.tables})
