"""Which life of the topic the rows of a partition belong to."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.source_topic import (
    NO_ID,
    SourceTopic,
    decode,
    encode,
    followed,
    is_another,
)
from tables.user_row import position

A, B = b"a" * 16, b"b" * 16
SOURCES = st.builds(SourceTopic, st.integers(0, 2**32 - 2), st.binary(min_size=16, max_size=16))


@given(SOURCES)
def test_what_is_stored_is_read_again_and_is_ordered_like_a_row(source):
    assert decode(encode(source)) == source
    assert position(encode(source)) == (source.epoch, 0)


def test_bytes_of_another_length_are_refused():
    with pytest.raises(struct.error):
        decode(b"\x01" * 28)


@given(SOURCES, st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1))
def test_an_epoch_never_goes_back_and_is_raised_by_another_topic(stored, topic_id, least):
    source = followed(stored, topic_id, least)
    assert source.epoch >= max(stored.epoch, least)
    assert (source.epoch > stored.epoch) or not is_another(stored, topic_id)
    assert followed(source, topic_id, least) == source, "looking again changes nothing"


def test_the_same_topic_keeps_its_epoch_unless_the_setting_is_raised():
    assert followed(SourceTopic(3, A), A, 0) == SourceTopic(3, A)
    assert followed(SourceTopic(3, A), A, 7) == SourceTopic(7, A)


def test_a_broker_without_ids_says_nothing():
    assert not is_another(SourceTopic(3, A), NO_ID)
    assert not is_another(SourceTopic(3, NO_ID), B)
    assert not is_another(None, B)
    assert followed(SourceTopic(3, A), NO_ID, 0) == SourceTopic(3, A)
    assert followed(SourceTopic(3, NO_ID), B, 0) == SourceTopic(3, B), "known from now on"
