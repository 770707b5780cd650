"""Reads requests and writes JSON responses. A body must never be read beyond its limit."""

from __future__ import annotations

import asyncio
import random
import zlib
from typing import Any, TypeVar

import orjson
from aiohttp import ClientPayloadError, HttpVersion11, web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from web.http.problem import Problem, invalid

Model = TypeVar("Model", bound=BaseModel)
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""Tells the two by their first bytes."""


async def json_object(request: web.Request, limit: int) -> dict[str, Any]:
    """The body as a JSON object of at most `limit` bytes. Raises `Problem` 400, 408, 413 or 415."""
    if request.content_type not in (
        "application/json",
        "application/octet-stream",
    ) and not request.content_type.endswith("+json"):
        raise Problem(415, "not_json", "send Content-Type: application/json")
    raw = await _read(request, limit)
    raw = unpacked(raw, request.headers.get("Content-Encoding", "").strip().lower(), limit)
    try:
        value = from_json(raw)  # orjson would make large integers inexact, and know no NaN
    except ValueError as error:
        raise Problem(400, "malformed_json", f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Problem(400, "malformed_json", "the body must be a JSON object")
    return value


async def _read(request: web.Request, limit: int) -> bytes:
    """The body as it was sent. Raises `Problem` 400, 408 or 413."""
    content = request.content
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    raw = b""
    try:
        if content.is_eof():  # usually all of it is there
            raw = content.read_nowait()
        else:
            await _invite(request)
            # Two hundred that came together must not all be given up in the same moment.
            patience = random.uniform(0.8, 1)  # noqa: S311 - spreads work, protects nothing
            async with asyncio.timeout(patience * request["body_timeout_s"]):
                while len(raw) <= limit and (chunk := await content.readany()):
                    raw += chunk
    except TimeoutError as error:
        raise Problem(408, "body_timeout", "the body did not arrive in time") from error
    except (web.RequestPayloadError, ClientPayloadError) as error:
        error.__traceback__ = None  # as below
        raise Problem(400, "malformed_body", "the body is not encoded as it says") from error
    except ConnectionError as error:
        error.__traceback__ = None  # the body knows it: else both would wait for the collector
        raise Problem(400, "aborted", "the client went away") from error
    if len(raw) > limit:
        raise _too_large(limit)
    return raw


def unpacked(raw: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding. Never more than `limit` bytes are unpacked, and only
    one member of gzip, since a thousand empty ones would cost much and hold nothing. Raises
    `Problem` 400, 413 or 415.
    """
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Problem(
            415,
            "unknown_encoding",
            "Content-Encoding may be gzip or deflate",
            headers={"Accept-Encoding": "gzip, deflate"},
        )
    # Some clients mean the bare stream by `deflate`, without zlib's header.
    bare = encoding == "deflate" and raw[:1] != b"" and raw[0] & 15 != zlib.DEFLATED
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS if bare else _GZIP_OR_ZLIB)
    try:
        value = unpacker.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Problem(400, "malformed_body", "the body is not encoded as it says") from error
    if len(value) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise Problem(400, "malformed_body", "the body ends too early, or goes on after its end")
    return value


async def expectation(request: web.Request) -> None:
    """Handles `Expect`. The body is invited when it is about to be read: by then the key is known.
    Raises `HTTPExpectationFailed` for anything but `100-continue`.
    """
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed


async def _invite(request: web.Request) -> None:
    if "Expect" in request.headers and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the response itself has not begun


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"at most {limit} bytes are accepted")


def validated(model: type[Model], value: Any, prefix: str = "") -> Model:
    """The value as this model. Raises `Problem` 422 that names each wrong field; `prefix` stands
    before each name.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error, prefix) from error


def query_parameters(model: type[Model], request: web.Request) -> Model:
    """The query string as this model. Unknown parameters are refused, since a misspelt filter would
    show too much. Raises `Problem` 422.
    """
    return validated(model, dict(request.query), "?")


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response; bytes are taken to be JSON already."""
    return web.Response(
        status=status, body=encoded(value), content_type="application/json", headers=headers
    )


def encoded(value: Any) -> bytes:
    """The value as JSON; bytes are JSON already."""
    if isinstance(value, bytes):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # an integer of more than 64 bits in the metadata
        return to_json(value, inf_nan_mode="null")
