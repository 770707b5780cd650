"""Users live where every Kafka client puts their key."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.kafka.partitioner import partition_of


@given(st.text(min_size=1), st.integers(1, 64))
def test_the_partition_is_that_of_kafkas_default_partitioner(user, partitions):
    every = list(range(partitions))
    assert partition_of(user, partitions) == DefaultPartitioner()(user.encode(), every, every)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)],
)
def test_the_hash_is_that_of_the_java_client(key, hashed):
    # org.apache.kafka.common.utils.UtilsTest#testMurmur2
    assert partition_of(key, 1000) == (hashed & 0x7FFFFFFF) % 1000
