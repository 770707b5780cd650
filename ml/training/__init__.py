"""Training, evaluation and reports. Needs the extra `[train]`; never imported by the service."""
