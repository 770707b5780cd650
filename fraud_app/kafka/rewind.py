"""Reading a partition again from its beginning, when its topic was made anew."""

from __future__ import annotations

from typing import Any, cast

import faust
from faust.types import TP

from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.work import WorkBatch


async def beginning_of(app: faust.App, tp: TP) -> int:
    """The offset of the oldest record that the broker has of a partition."""
    offset: int = (await app.consumer.earliest_offsets(tp))[tp]
    return offset


async def read_from_beginning(app: faust.App, tp: TP) -> None:
    """Let the records of the next batch be the oldest ones, if the partition is still read here.

    What was fetched before is dropped: Faust may have read the same records more than once.
    """
    consumer, offset = cast(BatchConsumer, app.consumer), await beginning_of(app, tp)
    if tp in consumer.assignment():
        await consumer.seek(tp, offset)
        consumer.rewound[tp] = offset, consumer.seeks


def pass_over(app: faust.App, work: WorkBatch, count: int) -> None:
    """So many records of a batch are not worked on and not done: they come again."""
    work.refcount -= count
    if work.acked:
        cast(BatchConsumer, app.consumer).end_work(work)


async def commit_anew(app: faust.App, tp: TP, offset: int) -> bool:
    """Commit an offset that may be lower than the last one; later ones follow from here.

    Everything that was read before must be acknowledged. Returns when the broker has it; False when
    the partition has moved.
    """
    consumer: Any = app.consumer
    await consumer.commit()  # what waits, or is under way, must not come after
    consumer.done.start_at(tp, offset)
    consumer._committed_offset[tp] = offset
    committed: bool = await consumer._thread.commit({tp: offset})
    return committed
