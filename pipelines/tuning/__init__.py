"""The officer's room: what a policy would cost and let us know, before anything is spent. It never opens the zone."""
