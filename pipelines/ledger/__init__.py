"""The append-only, signed record of every loss: store, approvals, witnesses."""
