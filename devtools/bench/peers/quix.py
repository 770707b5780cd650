"""The same job on Quix Streams: its consumer, its RocksDB state with a changelog, its producer; one
question to Redis a transaction.
"""

from __future__ import annotations

import sys
from typing import Any

import redis
from quixstreams import Application, message_context

from devtools.bench.peers.one_by_one import champion, decided, payment_of, row_of
from tables.redis import cross_user_signals
from tables.user_row import encode


def main(brokers: str, redis_url: str, into: str, out: str, state: str) -> None:
    scorer, client = champion(), redis.from_url(redis_url)
    observe = client.register_script(cross_user_signals.OBSERVE)
    app = Application(
        broker_address=brokers,
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        state_dir=state,
        commit_interval=1.0,
        loglevel="WARNING",
        consumer_poll_timeout=0.1,
    )

    def score(value: bytes, kept: Any) -> bytes:
        context = message_context()
        payment = payment_of(context.partition, context.offset, value)
        ((shared),) = cross_user_signals.answers(
            observe(args=cross_user_signals.arguments([(payment.event, payment.user_hash)]))
        )
        following, scored = decided(payment, row_of(kept.get_bytes("row")), shared, scorer)
        kept.set_bytes("row", encode(following))
        return scored

    frame = app.dataframe(app.topic(into, value_deserializer="bytes"))
    frame.apply(score, stateful=True).to_topic(app.topic(out, value_serializer="bytes"))
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
