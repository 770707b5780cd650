"""Leaves out what a worker decided that was taken for dead: its successor decided it, too."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fraud_app import metrics
from fraud_app.decisions.assignment import SeenAssignments, assignment_of

log = logging.getLogger(__name__)


def without_stale(records: Sequence[Any], seen: SeenAssignments, reader: str) -> list[Any]:
    """The records whose assignment no other has followed; the others are counted and logged.

    `records`: as aiokafka fetched them, in order within each partition. `reader`: its name in the
    metric.
    """
    current = [
        record
        for record in records
        if not seen.is_stale(
            (record.topic, record.partition), record.offset, assignment_of(record.headers)
        )
    ]
    if stale := len(records) - len(current):
        metrics.STALE_DECISIONS.labels(reader).inc(stale)
        log.warning("stale_decisions_dropped", extra={"reader": reader, "records": stale})
    return current
