"""Reads requests and writes JSON responses. A body must never be read beyond its limit."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
from aiohttp import ClientPayloadError, web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from web.http.problem import Problem, invalid

Model = TypeVar("Model", bound=BaseModel)


async def json_object(request: web.Request, limit: int) -> dict[str, Any]:
    """The body as a JSON object of at most `limit` bytes. Raises `Problem` 400, 413 or 415."""
    if request.content_type not in (
        "application/json",
        "application/octet-stream",
    ) and not request.content_type.endswith("+json"):
        raise Problem(415, "not_json", "send Content-Type: application/json")
    if request.content_length is not None and request.content_length > limit:
        raise Problem(413, "body_too_large", f"at most {limit} bytes are accepted")
    try:
        raw = await request.read()
    except (web.RequestPayloadError, ClientPayloadError) as error:
        raise Problem(400, "malformed_body", f"the body cannot be read: {error}") from error
    if len(raw) > limit:
        raise Problem(413, "body_too_large", f"at most {limit} bytes are accepted")
    try:
        value = from_json(raw, allow_inf_nan=False)  # orjson would make large integers inexact
    except ValueError as error:
        raise Problem(400, "malformed_json", f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Problem(400, "malformed_json", "the body must be a JSON object")
    return value


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
        status=status, body=_encoded(value), content_type="application/json", headers=headers
    )


def _encoded(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # an integer of more than 64 bits in the metadata
        return to_json(value, inf_nan_mode="null")
