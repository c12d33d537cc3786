"""Imports everything that a release, an ingest and a zone worker import, so that a fork has it."""

import importlib

from pipelines.outlet.templating import compile_templates

NAMES = (
    "duckdb",
    "duckdb_extension_httpfs",
    "opendp.prelude",
    "sqlalchemy.dialects.sqlite",
    "scipy.optimize",
    "pyarrow.parquet",
    "jinja2",
    "pipelines.crossing",
    "pipelines.publication",
    "pipelines.intake.assemble",
    "pipelines.zone.cluster_room",
    "pipelines.zone.ingest_room",
    "pipelines.zone.invite_room",
    "pipelines.zone.close_room",
    "pipelines.outlet.report",
    "pipelines.outlet.verify",
    "tests.faults.crossing",
)
LOADED = [importlib.import_module(name) for name in NAMES]


def _constants() -> None:
    """What is computed once in a process and the same in every one of them."""
    from pipelines.code_version import code_digest
    from privacy.mechanisms import privacy_map

    code_digest()
    privacy_map("discrete_gaussian", 10.0, 1, 1)


compile_templates()
_constants()
