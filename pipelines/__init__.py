"""Everything that touches disk: declarations, workspace, ledger store, release, and the rooms intake, zone, outlet."""
