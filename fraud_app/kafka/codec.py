"""Packs and unpacks aiokafka's protocol messages several fields at a time.

aiokafka walks the schemas of its messages field by field, in Python, four times a batch. Here
neighbouring fields of fixed width are one `struct` call: the same schemas, the same bytes and the
same values (the tests compare them), in a third of the time (docs/performance.md).

How a schema becomes `struct` calls, for `Schema(a=Int32, b=Int16, c=String, d=Int64)`:

    | fields | run                    | bytes                                     |
    |--------|------------------------|-------------------------------------------|
    | a, b   | `Struct(">ih")`        | 4 + 2                                     |
    | c      | packer of `String`     | Int16 length, or -1 for null; then text   |
    | d      | `Struct(">q")`         | 8                                         |

`Bytes` and `Array` have an Int32 length or count, -1 for null, and then their content.
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
"""Takes a value and the list to append its bytes to."""
Unpacker = Callable[[bytes, int], tuple[Any, int]]
"""Takes data and a position; returns the value there and the position after it."""

_FIXED = {Int8: "b", Int16: "h", Int32: "i", Int64: "q"}
_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")


def install() -> None:
    """Make aiokafka use this codec for fetch and produce requests, their responses and the header.

    May be called more than once.
    """
    requests = [
        request_class
        for builder in (FetchRequest, ProduceRequest)
        for request_class in builder._CLASSES
    ]
    for request_class in [RequestHeader_v1, *requests]:
        request_class.encode = _encode_method(request_class)
    for response_class in {request_class.RESPONSE_TYPE for request_class in requests}:
        response_class.decode = classmethod(_decode_method(response_class))


def _encode_method(message_class: Any) -> Callable[[Any], bytes]:
    names, pack = message_class.SCHEMA.names, packer(message_class.SCHEMA)

    def encode(self: Any) -> bytes:
        values, pieces = self.__dict__, []  # type: ignore[var-annotated]
        pack([values[name] for name in names], pieces)
        return b"".join(pieces)

    return encode


def _decode_method(message_class: Any) -> Callable[[Any, BytesIO | bytes], Any]:
    unpack = unpacker(message_class.SCHEMA)

    def decode(cls: Any, data: BytesIO | bytes) -> Any:
        payload, at = (data, 0) if isinstance(data, bytes) else (data.getvalue(), data.tell())
        return cls(*unpack(payload, at)[0])

    return decode


def packer(kind: Any) -> Packer:
    """The function that packs values of a protocol type.

    Raises `TypeError` for a type that fetching and producing do not use.
    """
    pack: Packer = _for_kind(kind, _PACKERS)
    return pack


def unpacker(kind: Any) -> Unpacker:
    """The function that unpacks values of a protocol type. Raises `TypeError` as `packer` does."""
    unpack: Unpacker = _for_kind(kind, _UNPACKERS)
    return unpack


def _for_kind(kind: Any, factories: Mapping[Any, Callable[[Any], Any]]) -> Any:
    factory = factories.get(kind) or factories.get(type(kind))
    if factory is None:
        raise TypeError(f"{kind} is not of what fetching and producing use")
    return factory(kind)


def _fixed_packer(kind: Any) -> Packer:
    pack = struct.Struct(f">{_FIXED[kind]}").pack
    return lambda value, to: to.append(pack(value))


def _fixed_unpacker(kind: Any) -> Unpacker:
    field = struct.Struct(f">{_FIXED[kind]}")
    return lambda data, at: (field.unpack_from(data, at)[0], at + field.size)


def _runs(schema: Schema) -> list[struct.Struct | Any]:
    """Neighbouring fields of fixed width as one `Struct`, all others by themselves."""
    runs: list[struct.Struct | Any] = []
    for fixed, fields in groupby(schema.fields, _FIXED.__contains__):
        if fixed:
            runs.append(struct.Struct(">" + "".join(_FIXED[field] for field in fields)))
        else:
            runs += fields
    return runs


def _schema_packer(schema: Schema) -> Packer:
    steps: list[tuple[int, int, Callable[..., bytes] | None, Packer | None]] = []
    """For each run: its first field, the field after its last, and one of the two ways to pack."""
    start = 0
    for run in _runs(schema):
        if isinstance(run, struct.Struct):
            field_count = len(run.format) - 1  # a letter a field, after the ">"
            steps.append((start, start + field_count, run.pack, None))
        else:
            field_count = 1
            steps.append((start, start + field_count, None, packer(run)))
        start += field_count

    def pack(values: Sequence[Any], to: list[bytes]) -> None:
        for start, end, pack_fixed, pack_other in steps:
            if pack_fixed:
                to.append(pack_fixed(*values[start:end]))
            elif pack_other:
                pack_other(values[start], to)

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
    pack_item = packer(kind.array_of)

    def pack(values: Sequence[Any] | None, to: list[bytes]) -> None:
        to.append(_INT32.pack(-1 if values is None else len(values)))
        for value in values or ():
            pack_item(value, to)

    return pack


def _array_unpacker(kind: Array) -> Unpacker:
    unpack_item = unpacker(kind.array_of)
    runs = _runs(kind.array_of) if isinstance(kind.array_of, Schema) else []
    # Items of fixed width only are unpacked by a single call.
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
            value, at = unpack_item(data, at)
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
        encoded, at = _piece(data, at + 2, length)
        return None if encoded is None else encoded.decode(kind.encoding), at

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
    """So many bytes of the data, None for a negative length. Raises `ValueError` when some lack."""
    if length < 0:
        return None, at
    piece = data[at : at + length]
    if len(piece) != length:
        raise ValueError(f"{length} bytes were announced, {len(piece)} came")
    return piece, at + length


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
