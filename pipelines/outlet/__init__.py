"""What leaves: publication of Released values, the report and the verification of a release folder."""
