"""Our codec against aiokafka's own, which packs field by field."""

import struct
from io import BytesIO

import pytest
from aiokafka.protocol.api import RequestHeader_v1, ResponseHeader_v0
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Array, Boolean, Bytes, Int8, Int16, Int32, Int64, Schema
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.kafka import codec

_BITS = {Int8: 8, Int16: 16, Int32: 32, Int64: 64}
SCHEMAS = [
    message_class.SCHEMA
    for request in (*FetchRequest._CLASSES, *ProduceRequest._CLASSES)
    for message_class in (request, request.RESPONSE_TYPE)
]


def values(kind):
    """Values as aiokafka returns them when it unpacks this type."""
    if kind in _BITS:
        return st.integers(-(2 ** (_BITS[kind] - 1)), 2 ** (_BITS[kind] - 1) - 1)
    if isinstance(kind, Schema):
        return st.tuples(*map(values, kind.fields))
    if isinstance(kind, Array):
        return st.none() | st.lists(values(kind.array_of), max_size=3)
    return st.none() | (st.binary(max_size=20) if kind is Bytes else st.text(max_size=10))


@given(st.data())
def test_every_version_is_packed_and_unpacked_as_by_aiokafka(data):
    schema = data.draw(st.sampled_from(SCHEMAS))
    given_values = data.draw(values(schema))
    pieces = []
    codec.packer(schema)(given_values, pieces)
    packed = b"".join(pieces)
    assert packed == schema.encode(given_values)
    assert codec.unpacker(schema)(b"before" + packed, 6) == (given_values, 6 + len(packed))
    assert schema.decode(BytesIO(packed)) == given_values


@given(st.data())
def test_a_truncated_message_is_an_error(data):
    schema = data.draw(st.sampled_from(SCHEMAS))
    packed = schema.encode(data.draw(values(schema)))
    with pytest.raises((ValueError, struct.error)):
        codec.unpacker(schema)(packed[: data.draw(st.integers(0, len(packed) - 1))], 0)


def test_an_unknown_type_is_refused_when_the_packer_is_built():
    for make in (codec.packer, codec.unpacker):
        with pytest.raises(TypeError):
            make(Schema(("flag", Boolean)))


def test_a_request_and_its_response_pass_through_aiokafka():
    request = ProduceRequest(
        transactional_id=None,
        required_acks=-1,
        timeout=1000,
        topics=[("t", [(0, bytearray(b"records")), (1, b"")])],
    ).prepare({0: (0, 7)})
    header = RequestHeader_v1(request, correlation_id=7, client_id="me")
    expected = [
        message.SCHEMA.encode([message.__dict__[name] for name in message.SCHEMA.names])
        for message in (request, header)
    ]
    response = (
        ResponseHeader_v0(7).encode()
        + request.RESPONSE_TYPE([("t", [(0, 0, 5, -1, 0)])], 0).encode()
    )
    codec.install()
    assert [request.encode(), header.encode()] == expected
    stream = BytesIO(response)
    assert request.parse_response_header(stream).correlation_id == 7
    assert request.RESPONSE_TYPE.decode(stream).topics == [("t", [(0, 0, 5, -1, 0)])]
