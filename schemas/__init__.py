"""What things are: survey, policy, plan, ledger events, released tables, release card. Frozen, no I/O."""
