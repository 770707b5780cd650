"""PostgreSQL stores every decision for analysts and for audit. There is one module for each table,
and SQL is written only in these modules and in `migrations/`. Scoring must never wait for this
package.
"""
