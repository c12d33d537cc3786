"""Empirical privacy audits of a user's own declarations, on synthetic residents in a temporary zone."""
