"""The promise, pure: workload, plan, accountant, ledger rules, mechanisms, measure, estimate, calibrate, intervals."""
