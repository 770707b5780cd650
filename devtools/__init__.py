"""A real Kafka, Redis-protocol server and PostgreSQL on this machine, for the demo, the tests and
the benchmark.
"""
