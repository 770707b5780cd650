"""aiokafka's messages packed and unpacked a run of fields at a time; it walks their schemas field
by field, in Python, four times a batch.

The same schemas, the same bytes and the same values (the tests compare them), in a third of the
time: docs/performance.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import groupby
from typing import Any

from aiokafka.protocol.api import RequestHeader_v1
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Array, Bytes, Int8, Int16, Int32, Int64, Schema, String

Packer = Callable[[Any, list[bytes]], None]
"""Value and the pieces to add to."""
Unpacker = Callable[[bytes, int], tuple[Any, int]]
"""Data and place to value and next place."""

_FIXED = {Int8: "b", Int16: "h", Int32: "i", Int64: "q"}
_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")


def install() -> None:
    """Let aiokafka's requests to fetch and to produce, their answers and the header of requests be
    packed this way.
    """
    requests = [each for builder in (FetchRequest, ProduceRequest) for each in builder._CLASSES]
    for packed in [RequestHeader_v1, *requests]:
        packed.encode = _encode(packed)
    for answer in {request.RESPONSE_TYPE for request in requests}:
        answer.decode = classmethod(_decode(answer))


def _encode(of: Any) -> Callable[[Any], bytes]:
    names, pack = of.SCHEMA.names, packer(of.SCHEMA)

    def encode(self: Any) -> bytes:
        here, pieces = self.__dict__, []  # type: ignore[var-annotated]
        pack([here[name] for name in names], pieces)
        return b"".join(pieces)

    return encode


def _decode(of: Any) -> Callable[[Any, BytesIO | bytes], Any]:
    unpack = unpacker(of.SCHEMA)

    def decode(cls: Any, data: BytesIO | bytes) -> Any:
        payload, at = (data, 0) if isinstance(data, bytes) else (data.getvalue(), data.tell())
        return cls(*unpack(payload, at)[0])

    return decode


def packer(kind: Any) -> Packer:
    """How values of a kind are packed. Raises `TypeError` for a kind that fetching and producing do
    not use.
    """
    packing: Packer = _made(kind, _PACKERS)
    return packing


def unpacker(kind: Any) -> Unpacker:
    """How values of a kind are unpacked. Raises `TypeError` as `packer` does."""
    unpacking: Unpacker = _made(kind, _UNPACKERS)
    return unpacking


def _made(kind: Any, makers: Mapping[Any, Callable[[Any], Any]]) -> Any:
    maker = makers.get(kind) or makers.get(type(kind))
    if maker is None:
        raise TypeError(f"{kind} is not of what fetching and producing use")
    return maker(kind)


def _fixed_packer(kind: Any) -> Packer:
    pack = struct.Struct(f">{_FIXED[kind]}").pack
    return lambda value, to: to.append(pack(value))


def _fixed_unpacker(kind: Any) -> Unpacker:
    one = struct.Struct(f">{_FIXED[kind]}")
    return lambda data, at: (one.unpack_from(data, at)[0], at + one.size)


def _runs(schema: Schema) -> list[struct.Struct | Any]:
    """Neighbouring fields of fixed width as one `Struct`, the others by themselves."""
    runs: list[struct.Struct | Any] = []
    for fixed, fields in groupby(schema.fields, _FIXED.__contains__):
        if fixed:
            runs.append(struct.Struct(">" + "".join(_FIXED[field] for field in fields)))
        else:
            runs += fields
    return runs


def _schema_packer(schema: Schema) -> Packer:
    steps: list[tuple[int, int, Callable[..., bytes] | None, Packer | None]] = []
    at = 0
    for run in _runs(schema):
        if isinstance(run, struct.Struct):
            end = at + len(run.format) - 1
            steps.append((at, end, run.pack, None))
        else:
            end = at + 1
            steps.append((at, end, None, packer(run)))
        at = end

    def pack(values: Sequence[Any], to: list[bytes]) -> None:
        for start, end, fixed, other in steps:
            if fixed:
                to.append(fixed(*values[start:end]))
            elif other:
                other(values[start], to)

    return pack


def _schema_unpacker(schema: Schema) -> Unpacker:
    runs = [
        (run, None) if isinstance(run, struct.Struct) else (None, unpacker(run))
        for run in _runs(schema)
    ]

    def unpack(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        values: list[Any] = []
        for fixed, other in runs:
            if fixed:
                values += fixed.unpack_from(data, at)
                at += fixed.size
            elif other:
                value, at = other(data, at)
                values.append(value)
        return tuple(values), at

    return unpack


def _array_packer(kind: Array) -> Packer:
    one = packer(kind.array_of)

    def pack(values: Sequence[Any] | None, to: list[bytes]) -> None:
        to.append(_INT32.pack(-1 if values is None else len(values)))
        for value in values or ():
            one(value, to)

    return pack


def _array_unpacker(kind: Array) -> Unpacker:
    one = unpacker(kind.array_of)
    runs = _runs(kind.array_of) if isinstance(kind.array_of, Schema) else []
    row = runs[0] if len(runs) == 1 and isinstance(runs[0], struct.Struct) else None

    def unpack(data: bytes, at: int) -> tuple[list[Any] | None, int]:
        (count,) = _INT32.unpack_from(data, at)
        at += 4
        if count == -1:
            return None, at
        if row:
            rows, at = _piece(data, at, count * row.size)
            return list(row.iter_unpack(rows or b"")), at
        values = []
        for _ in range(count):
            value, at = one(data, at)
            values.append(value)
        return values, at

    return unpack


def _string_packer(kind: String) -> Packer:
    def pack(value: str | None, to: list[bytes]) -> None:
        if value is None:
            to.append(_INT16.pack(-1))
            return
        encoded = str(value).encode(kind.encoding)
        to += _INT16.pack(len(encoded)), encoded

    return pack


def _string_unpacker(kind: String) -> Unpacker:
    def unpack(data: bytes, at: int) -> tuple[str | None, int]:
        (length,) = _INT16.unpack_from(data, at)
        work, at = _piece(data, at + 2, length)
        return None if work is None else work.decode(kind.encoding), at

    return unpack


def _pack_bytes(value: bytes | None, to: list[bytes]) -> None:
    if value is None:
        to.append(_INT32.pack(-1))
    else:
        to += _INT32.pack(len(value)), value


def _unpack_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    (length,) = _INT32.unpack_from(data, at)
    return _piece(data, at + 4, length)


def _piece(data: bytes, at: int, length: int) -> tuple[bytes | None, int]:
    if length < 0:
        return None, at
    work = data[at : at + length]
    if len(work) != length:
        raise ValueError(f"{length} bytes were announced, {len(work)} came")
    return work, at + length


_PACKERS: Mapping[Any, Callable[[Any], Packer]] = {
    **dict.fromkeys(_FIXED, _fixed_packer),
    Schema: _schema_packer,
    Array: _array_packer,
    String: _string_packer,
    Bytes: lambda _: _pack_bytes,
}
_UNPACKERS: Mapping[Any, Callable[[Any], Unpacker]] = {
    **dict.fromkeys(_FIXED, _fixed_unpacker),
    Schema: _schema_unpacker,
    Array: _array_unpacker,
    String: _string_unpacker,
    Bytes: lambda _: _unpack_bytes,
}
