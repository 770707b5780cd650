"""A model in service: registry, loader, scorer, cut-offs, drift."""
