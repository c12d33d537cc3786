"""Drafts of survey.yaml and policy.yaml, made from what is public of a survey: column names, labels, codebooks.

What belongs here: what `hearsafe init` does. It runs where the raw export is, outside the zone; no answer goes into a
file but the confidential draft.
"""
