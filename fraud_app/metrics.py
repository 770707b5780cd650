"""Every Prometheus metric, in a registry of our own and in base units (seconds, messages). A user
id or a transaction id must never be a label.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from fraud_app.contracts.card_data import KINDS
from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import Transaction

REGISTRY = CollectorRegistry()
# Finest around a few milliseconds, where decisions lie; the last bucket is far beyond the promise.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

SCORED = Counter(
    "fraud_transactions_scored",
    "Decisions made, each transaction once",
    ["decision", "model_version"],
    registry=REGISTRY,
)
SCORING_SECONDS = Histogram(
    "fraud_scoring_duration_seconds",
    "Time to a decision by stage: total is from ingest and of each decision, "
    "features and model are of each batch",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
BATCH_SIZE = Histogram(
    "fraud_scoring_batch_size",
    "Transactions scored together",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    registry=REGISTRY,
)
REDELIVERED = Counter(
    "fraud_redelivered", "Records that were counted before, by kind", ["kind"], registry=REGISTRY
)
DEAD_LETTERS = Counter(
    "fraud_dlq_messages", "Messages sent to the dead-letter topic", ["reason"], registry=REGISTRY
)
INPUT_WARNINGS = Counter(
    "fraud_input_warnings",
    "Fields that could not be used as sent: taken as missing, or rounded",
    ["field"],
    registry=REGISTRY,
)
CARD_DATA = Counter(
    "fraud_card_data",
    "Card data found in transactions: numbers, codes and fields that were masked, requests that "
    "were refused",
    ["kind"],
    registry=REGISTRY,
)
TASK_FAILURES = Counter(
    "fraud_background_task_failures",
    "Background tasks that failed and were started again",
    ["task"],
    registry=REGISTRY,
)
REROUTED = Counter(
    "fraud_rerouted",
    "Messages that a producer had put into another partition than their user's",
    registry=REGISTRY,
)
MEMBERSHIP_LOST = Counter(
    "fraud_membership_lost",
    "Batches given up because another worker may own their partitions by now",
    registry=REGISTRY,
)
STALE_DECISIONS = Counter(
    "fraud_stale_decisions",
    "Late decisions of a worker that was taken for dead, dropped by a reader",
    ["reader"],
    registry=REGISTRY,
)
DEGRADED = Counter(
    "fraud_degraded_decisions",
    "Decisions made without a dependency",
    ["dependency"],
    registry=REGISTRY,
)
DEPENDENCY_UP = Gauge(
    "fraud_dependency_up", "1 when the dependency answers", ["name"], registry=REGISTRY
)
STORED = Counter(
    "fraud_transactions_stored", "Transactions stored in PostgreSQL, each once", registry=REGISTRY
)
STORE_SECONDS = Histogram(
    "fraud_store_duration_seconds",
    "Time of one batch's transaction in PostgreSQL",
    registry=REGISTRY,
)
FEED_EVENTS = Counter("fraud_feed_events", "Decisions written to the live feed", registry=REGISTRY)
MIRRORED = Gauge(
    "fraud_mirror_rows", "Rows copied to the mirror since the start", registry=REGISTRY
)
MIRROR_WAITING = Gauge(
    "fraud_mirror_waiting", "Changed rows that wait to be copied", registry=REGISTRY
)
WS_CLIENTS = Gauge("fraud_ws_clients", "Open WebSocket connections", registry=REGISTRY)
WS_DROPPED = Counter(
    "fraud_ws_dropped", "Events dropped for slow WebSocket clients", registry=REGISTRY
)
WS_UNREADABLE = Counter(
    "fraud_ws_unreadable", "Entries of the live feed that are no scored message", registry=REGISTRY
)
HTTP_SECONDS = Histogram(
    "fraud_http_request_duration_seconds",
    "Time of HTTP requests",
    ["method", "route", "status"],
    registry=REGISTRY,
)
HTTP_CONNECTIONS = Gauge("fraud_http_connections", "Open HTTP connections", registry=REGISTRY)
HTTP_CONNECTIONS_ENDED = Counter(
    "fraud_http_connections_ended",
    "HTTP connections that were ended or refused here, for the reason given",
    ["reason"],
    registry=REGISTRY,
)
HTTP_UNREADABLE = Counter(
    "fraud_http_unreadable_requests",
    "Requests that were refused before they had a route: no HTTP, or beyond its limits",
    ["status"],
    registry=REGISTRY,
)
VERDICTS = Counter(
    "fraud_verdicts", "Analysts' verdicts that became labels", ["verdict"], registry=REGISTRY
)
LABELS_UNMATCHED = Gauge(
    "fraud_labels_unmatched",
    "Labels without a customer whose id no transaction has, or several have; up to 1000",
    registry=REGISTRY,
)
REVIEW_DEPTH = Gauge(
    "fraud_review_queue_depth", "Payments that wait for an analyst", registry=REGISTRY
)
REVIEW_OLDEST = Gauge(
    "fraud_review_oldest_age_seconds", "How long the oldest of them has waited", registry=REGISTRY
)
LAG = Gauge(
    "fraud_consumer_lag_messages",
    "Messages that can be read and are not done",
    ["topic", "partition"],
    registry=REGISTRY,
)
HELD = Gauge(
    "fraud_consumer_held_messages",
    "Messages that cannot be read before a producer ends its open Kafka transaction",
    ["topic", "partition"],
    registry=REGISTRY,
)
EXPIRED = Counter(
    "fraud_expired_unread",
    "Offsets that the broker deleted before they were read",
    ["topic"],
    registry=REGISTRY,
)
DAMAGED_DATABASES = Gauge(
    "fraud_damaged_databases",
    "Damaged databases of this worker that were moved aside, rebuilt, and are still kept",
    registry=REGISTRY,
)
BUILD = Info("fraud_build", "What is running", registry=REGISTRY)
MODEL = Info("fraud_model", "The model that decides", registry=REGISTRY)
PSI = Gauge(
    "fraud_feature_psi",
    "Population stability index of a feature against the training data",
    ["feature"],
    registry=REGISTRY,
)
MISSING = Gauge(
    "fraud_feature_missing_ratio",
    "Share of a feature's live values that are missing",
    ["feature"],
    registry=REGISTRY,
)


def count_warnings(warnings: Sequence[InputWarning]) -> None:
    """Count the warnings of a transaction. A field that the contract does not have is `metadata`:
    its name is the client's, and the labels must stay few.
    """
    for warning in warnings:
        field = warning.field.split("/")[1]
        INPUT_WARNINGS.labels(field if field in Transaction.model_fields else "metadata").inc()
        if warning.problem in KINDS:
            CARD_DATA.labels(KINDS[warning.problem]).inc()
