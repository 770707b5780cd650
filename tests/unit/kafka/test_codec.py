"""Messages packed in runs against aiokafka's own way, field by field."""

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
KINDS = [
    each.SCHEMA
    for request in (*FetchRequest._CLASSES, *ProduceRequest._CLASSES)
    for each in (request, request.RESPONSE_TYPE)
]


def values(kind):
    """What aiokafka gives back when it unpacks this kind."""
    if kind in _BITS:
        return st.integers(-(2 ** (_BITS[kind] - 1)), 2 ** (_BITS[kind] - 1) - 1)
    if isinstance(kind, Schema):
        return st.tuples(*map(values, kind.fields))
    if isinstance(kind, Array):
        return st.none() | st.lists(values(kind.array_of), max_size=3)
    return st.none() | (st.binary(max_size=20) if kind is Bytes else st.text(max_size=10))


@given(st.data())
def test_every_version_is_packed_and_unpacked_as_aiokafka_does(data):
    schema = data.draw(st.sampled_from(KINDS))
    given_values = data.draw(values(schema))
    pieces = []
    codec.packer(schema)(given_values, pieces)
    packed = b"".join(pieces)
    assert packed == schema.encode(given_values)
    assert codec.unpacker(schema)(b"before" + packed, 6) == (given_values, 6 + len(packed))
    assert schema.decode(BytesIO(packed)) == given_values


@given(st.data())
def test_what_is_cut_off_is_an_error_and_never_half_a_message(data):
    schema = data.draw(st.sampled_from(KINDS))
    packed = schema.encode(data.draw(values(schema)))
    with pytest.raises((ValueError, codec.struct.error)):
        codec.unpacker(schema)(packed[: data.draw(st.integers(0, len(packed) - 1))], 0)


def test_a_kind_that_is_not_known_here_is_refused_at_once():
    for make in (codec.packer, codec.unpacker):
        with pytest.raises(TypeError):
            make(Schema(("flag", Boolean)))


def test_a_whole_request_and_its_answer_through_aiokafka():
    request = ProduceRequest(
        transactional_id=None,
        required_acks=-1,
        timeout=1000,
        topics=[("t", [(0, bytearray(b"records")), (1, b"")])],
    ).prepare({0: (0, 7)})
    header = RequestHeader_v1(request, correlation_id=7, client_id="me")
    plain = [
        each.SCHEMA.encode([each.__dict__[name] for name in each.SCHEMA.names])
        for each in (request, header)
    ]
    answer = (
        ResponseHeader_v0(7).encode()
        + request.RESPONSE_TYPE([("t", [(0, 0, 5, -1, 0)])], 0).encode()
    )
    codec.install()
    assert [request.encode(), header.encode()] == plain
    read = BytesIO(answer)
    assert request.parse_response_header(read).correlation_id == 7
    assert request.RESPONSE_TYPE.decode(read).topics == [("t", [(0, 0, 5, -1, 0)])]
