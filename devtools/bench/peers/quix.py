"""The same job on Quix Streams: its consumer, its RocksDB state with a changelog and its producer,
and one request to Redis per transaction.
"""

from __future__ import annotations

import sys
from typing import Any

import redis
from quixstreams import Application, message_context

from devtools.bench.peers.one_by_one import champion, decide, row_of, scoring_input_of
from tables.redis import cross_user_signals
from tables.user_row import encode


def main(brokers: str, redis_url: str, source: str, sink: str, state_directory: str) -> None:
    """Decide the transactions of `source`, for ever."""
    scorer, client = champion(), redis.from_url(redis_url)
    observe = client.register_script(cross_user_signals.OBSERVE)
    app = Application(
        broker_address=brokers,
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        state_dir=state_directory,
        commit_interval=1.0,
        loglevel="WARNING",
        consumer_poll_timeout=0.1,
    )

    def score(value: bytes, state: Any) -> bytes:
        context = message_context()
        scoring_input = scoring_input_of(context.partition, context.offset, value)
        arguments = cross_user_signals.arguments([(scoring_input.event, scoring_input.user_hash)])
        ((shared),) = cross_user_signals.answers(observe(args=arguments))
        row, scored = decide(scoring_input, row_of(state.get_bytes("row")), shared, scorer)
        state.set_bytes("row", encode(row))
        return scored

    frame = app.dataframe(app.topic(source, value_deserializer="bytes"))
    frame.apply(score, stateful=True).to_topic(app.topic(sink, value_serializer="bytes"))
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
