"""Sends verdicts that can no longer be undone, as labels, to `transactions.labels`.

Runs beside storage, in one or several processes. Nothing is lost while the broker or the database
is unavailable: a verdict stays pending until its label is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from aiokafka.errors import KafkaError
from faust.exceptions import NotReady

from fraud_app import metrics
from fraud_app.contracts.label import Label
from fraud_app.kafka.producer import ProduceBatch
from fraud_app.postgres import verdicts
from fraud_app.postgres.connection import UNAVAILABLE, connect, described
from fraud_app.resources import config
from fraud_app.sinks import storage
from fraud_app.supervision import supervised
from fraud_app.topics import LABELS

log = logging.getLogger(__name__)

EVERY_S = 1.0
"""Pause when no more verdicts wait, and after an error."""
ACK_S = 10.0
"""Longest wait for the broker. The database transaction stays open meanwhile."""


@partial(supervised, storage)
async def emit_verdicts() -> None:
    """Send labels until the app stops; without pause while full batches wait."""
    while not storage.should_stop:
        try:
            async with connect(config.postgres) as connection:
                while not storage.should_stop:
                    if await verdicts.emit_final_labels(connection, _emit) < verdicts.MAX_FINAL:
                        await asyncio.sleep(EVERY_S)
        except (*UNAVAILABLE, KafkaError, NotReady) as error:
            log.warning("verdicts_wait", extra={"error": described(error)})
            await asyncio.sleep(EVERY_S)


async def _emit(labels: Sequence[Label]) -> None:
    async with asyncio.timeout(ACK_S):
        produce = ProduceBatch(storage)
        for label in labels:
            value = label.model_dump_json(exclude_none=True).encode()
            await produce.add_one(LABELS, label.record_key(), value)
        await produce.acknowledged()
    for label in labels:
        metrics.VERDICTS.labels(label.verdict).inc()
