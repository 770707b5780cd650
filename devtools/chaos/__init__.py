"""Breaks a running system on purpose and counts what is left: `scripts/chaos`."""
