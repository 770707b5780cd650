"""Checks that nothing was lost, counted twice or computed differently."""
