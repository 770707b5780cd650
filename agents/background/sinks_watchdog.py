"""Ends the sinks when storage or the feed hangs although the broker answers; see `progress`."""

from __future__ import annotations

from functools import partial

from agents import store_batches
from agents.background.progress import Watched, end_at_standstill
from fraud_app.kafka import compat
from fraud_app.sinks import feed, storage
from fraud_app.supervision import supervised
from fraud_app.topics import LABELS, SCORED


@partial(supervised, storage)
async def watch_storage() -> None:
    """Watch storage until it stops. An outage of PostgreSQL is waited out."""
    await end_at_standstill(
        Watched(
            "storage",
            storage,
            SCORED,
            lambda: compat.done(storage, SCORED),
            store_batches.waits_for_database,
        )
    )


@partial(supervised, storage)
async def watch_labels() -> None:
    """The same for labels."""
    await end_at_standstill(
        Watched(
            "storage of labels",
            storage,
            LABELS,
            lambda: compat.done(storage, LABELS),
            store_batches.waits_for_database,
        )
    )


@partial(supervised, feed)
async def watch_feed() -> None:
    """Watch the feed until it stops. Without Redis it goes on and leaves events out."""
    await end_at_standstill(
        Watched("feed", feed, SCORED, lambda: compat.done(feed, SCORED), lambda: False)
    )
