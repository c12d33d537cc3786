"""The encrypted DuckDB zone: storage, counting, and the worker process that is the only one to open it."""
