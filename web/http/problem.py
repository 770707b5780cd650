"""Errors as RFC 9457 problem details, for every route and for the requests that aiohttp itself
refuses. A problem must never repeat a value of the request body.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from fraud_app.contracts.reading import place_of
from fraud_app.errors import FraudError

CONTENT_TYPE = "application/problem+json"


class Problem(FraudError):
    """Raised to answer the request with this problem. `code` is explained on `/docs/errors`."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = errors, headers
        self.members = members or {}
        """Extension members (RFC 9457, section 3.2)."""


def invalid(error: ValidationError, prefix: str = "") -> Problem:
    """`Problem` 422 with a JSON pointer and a sentence for each wrong field, without the values;
    400 when the text is not JSON.
    """
    faults = [
        {
            "pointer": prefix + pointer(*place_of(details)),
            "detail": details["msg"].removeprefix("Value error, "),
            "code": details["type"],
        }
        for details in error.errors(include_input=False, include_url=False)
    ]
    if faults[0]["code"] == "json_invalid":
        return Problem(400, "malformed_json", faults[0]["detail"])
    detail = (
        f"{len(faults)} fields are wrong"
        if len(faults) > 1
        else f"{faults[0]['pointer'] or 'the body'}: {faults[0]['detail']}"
    )
    return Problem(422, "validation_failed", detail, errors=faults)


def response(problem: Problem, request: web.BaseRequest) -> web.Response:
    """The HTTP response of a problem, with the path and the id of the request."""
    return web.Response(
        status=problem.status,
        body=_body(problem, request.path, request.get("request_id", "")),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )


def bare_response(problem: Problem) -> bytes:
    """The whole HTTP/1.1 response to a connection whose request is not read; it is closed then."""
    body = _body(problem, "", "")
    headers = {
        **(problem.headers or {}),
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + body


def _body(problem: Problem, path: str, request_id: str) -> bytes:
    fields: dict[str, Any] = {
        "type": f"/docs/errors#{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": _text(problem.detail),
        "instance": _text(path),
        "code": problem.code,
        "request_id": request_id,
        **problem.members,
    }
    if problem.errors:
        fields["errors"] = problem.errors
    return orjson.dumps(fields)


def _text(sent: str) -> str:
    """Text that may have parts of a header or path in it: bytes that are no UTF-8 stay out."""
    return sent.encode(errors="replace").decode()


def pointer(*parts: int | str) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
