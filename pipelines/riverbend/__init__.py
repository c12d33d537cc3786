"""Riverbend, a city that does not exist: declarations and synthetic exports for the demo, the tests and the benches."""
