"""PostgreSQL: what was decided, for people and for audit. One module a table; SQL is nowhere else
but in `migrations/`.
"""
