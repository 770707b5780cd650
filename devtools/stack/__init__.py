"""A real Kafka, Redis-protocol server and PostgreSQL here, for demo, tests and benchmarks."""
