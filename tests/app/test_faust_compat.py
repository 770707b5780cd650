"""The private parts of Faust and aiokafka that we lean on; an upgrade that moves one turns these red."""

import inspect

import faust
from faust.streams import Stream
from faust.tables.base import Collection
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import Producer


def test_what_is_used_of_faust_is_there():
    assert faust.__version__.startswith("0.15")
    assert "_ensure_producer" in vars(Producer)
    assert {"track_message", "unacked"} <= vars(Consumer).keys()
    assert "_committed_offset" in inspect.getsource(Consumer)
    assert "enable_acks" in inspect.getsource(Stream)
    assert {"apply_changelog_batch", "changelog_topic_name"} <= vars(Collection).keys()
    from faust.stores.rocksdb import Store

    assert {"_db_for_partition", "set_persisted_offset"} <= vars(Store).keys()
    assert "self._dbs" in inspect.getsource(Store)


def test_sends_go_to_the_partition_that_was_asked_for():
    parameters = inspect.signature(__import__("aiokafka").AIOKafkaProducer.send).parameters
    assert {"value", "key", "partition", "headers"} <= parameters.keys()
