"""The analyst's room: released files to look at, and what may be concluded from them. Nothing else is read."""
