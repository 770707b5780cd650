"""What the broker answered: which offsets it covers, and header names of any bytes."""

import asyncio
import struct

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from fraud_app.kafka import fetched
from fraud_app.kafka.fetched import RecordRange, with_last_offset

RAW = TopicPartition("raw", 0)
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
COMMIT = struct.pack(">hh", 0, 1)
CONTROL = 0x20
"""Bit of a batch's attributes: it is written by the broker."""


class AnyBytes(str):
    """A header name that is encoded as these bytes, as in a producer whose names are bytes."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\xfe" + str.encode(self)


def batch(first_offset, *records, codec=NONE, producer=-1, control=False):
    """A batch of (offset, value, headers) as the broker stores it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, producer >= 0, producer, 0, 0, 1 << 20)
    for offset, value, headers in records:
        builder.append(offset - first_offset, 7, COMMIT if control else b"k", value, headers)
    packed = bytearray(builder.build())
    struct.pack_into(">q", packed, 0, first_offset)
    if control:
        packed[22] |= CONTROL
    return bytes(packed)


@pytest.fixture(autouse=True)
def _installed():
    fetched.install()
    fetched.install()  # once more changes nothing


async def handed_over(data, *, position, aborted=()):
    """What aiokafka hands over of an answer, and the position after it."""
    assignment = Assignment([RAW])
    state = assignment.state_value(RAW)
    state.seek(position)
    records = fetcher.PartitionRecords(
        RAW, fetcher.MemoryRecords(data), aborted, position, None, None, False, 1
    )
    result = fetcher.FetchResult(RAW, assignment=assignment, partition_records=records, backoff=0)
    await asyncio.sleep(0)
    return result.getall(), state.position


async def test_an_answer_says_from_where_to_where_it_has_all_records():
    records, position = await handed_over(
        batch(10, (10, b"a", []), (14, b"b", [])) + batch(15, (15, b"c", [])), position=8
    )
    assert [record.offset for record in records] == [10, 14, 15]
    assert (records.start, records.end, position) == (8, 16, 16)


async def test_a_marker_at_the_end_is_covered():
    records, _ = await handed_over(
        batch(3, (3, b"a", []), producer=7) + batch(4, (4, b"", []), producer=7, control=True),
        position=3,
    )
    assert ([record.offset for record in records], records.start, records.end) == ([3], 3, 5)


async def test_an_answer_without_a_record_is_no_empty_one():
    records, position = await handed_over(
        batch(4, (4, b"", []), producer=7, control=True), position=4
    )
    assert records
    assert (len(records), records.start, records.end, position) == (0, 4, 5, 5)


async def test_an_aborted_transaction_is_covered_and_its_records_are_not_handed_over():
    records, _ = await handed_over(
        batch(0, (0, b"aborted", []), producer=7) + batch(1, (1, b"kept", [])),
        position=0,
        aborted=[(7, 0)],
    )
    assert ([record.value for record in records], records.end) == ([b"kept"], 2)


async def test_what_is_not_handed_over_is_empty():
    assert not RecordRange([], 4, 4)


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
async def test_a_header_name_that_is_no_text_costs_no_record(codec):
    data = batch(0, (0, b"a", [("x", None)])) + batch(
        1,
        (1, b"b", [("", b"")]),
        (2, b"c", [(AnyBytes("h"), b"\x00\xff"), ("é", None)]),
        (3, b"d", []),
        codec=codec,
    )
    records, position = await handed_over(data, position=0)
    assert [record.value for record in records] == [b"a", b"b", b"c", b"d"]
    assert records[2].headers == (("\\xff\\xfeh", b"\x00\xff"), ("é", None))
    assert (records.start, records.end, position) == (0, 4, 4)


async def test_a_header_name_that_is_no_text_brings_no_aborted_record_back():
    data = (
        batch(0, (0, b"aborted", []), producer=7)
        + batch(1, (1, b"", []), producer=7, control=True)
        + batch(2, (2, b"kept", [(AnyBytes("h"), b"")]))
    )
    records, _ = await handed_over(data, position=0, aborted=[(7, 0)])
    assert [record.value for record in records] == [b"kept"]


def test_the_recovery_sees_the_last_offset_of_a_changelog_that_ends_without_a_record():
    record = type("Record", (), {"offset": 4})
    assert with_last_offset(RAW, RecordRange([record], 4, 5)) == [record]
    assert with_last_offset(RAW, RecordRange([], 5, 5)) == []
    *_, last = with_last_offset(RAW, RecordRange([record], 4, 7))
    assert (last.topic, last.partition, last.offset, last.key, last.value) == (
        "raw",
        0,
        6,
        None,
        None,
    )
    (only,) = with_last_offset(RAW, RecordRange([], 5, 6))
    assert only.offset == 5
