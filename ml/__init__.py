"""Features, scoring, decisions, training: functions of values. Nothing here knows Kafka, Redis, SQL
or HTTP.
"""
