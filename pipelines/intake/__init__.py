"""From raw exports to severed, encoded responses: sources, identity, encoding. Runs inside the zone worker only."""
