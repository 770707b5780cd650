"""Stores labels in PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import asyncpg

from agents.store_batches import store_batches
from fraud_app.contracts.label import Label
from fraud_app.postgres import labels
from fraud_app.sinks import labels_to_store, storage

log = logging.getLogger(__name__)


@storage.agent(labels_to_store, name="labels")
async def store_labels(stream: Any) -> None:
    """Store each label once; an invalid one goes to the dead-letter topic."""
    await store_batches(stream, Label.model_validate_json, _store, "labels")


async def _store(connection: asyncpg.Connection, batch: Sequence[Label]) -> None:
    ambiguous = await labels.store(connection, batch)
    if ambiguous:
        log.warning("labels_ambiguous", extra={"labels": ambiguous})
