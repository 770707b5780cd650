"""Features, scoring and training as pure functions of values. This package must never import Kafka,
Redis, SQL or HTTP code.
"""
