"""Errors as RFC 9457 problem details, for every route and for the requests that aiohttp itself
refuses. A problem must never repeat a value of the request body.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

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
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = errors, headers


def invalid(error: ValidationError, prefix: str = "") -> Problem:
    """`Problem` 422 with a JSON pointer and a sentence for each wrong field, without the values;
    400 when the text is not JSON.
    """
    faults = [
        {
            "pointer": prefix + "".join(f"/{_escaped(part)}" for part in details["loc"]),
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
    body: dict[str, Any] = {
        "type": f"/docs/errors#{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
        "code": problem.code,
        "request_id": request.get("request_id", ""),
    }
    if problem.errors:
        body["errors"] = problem.errors
    return web.Response(
        status=problem.status,
        body=orjson.dumps(body),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )


def _escaped(part: Any) -> str:
    """A part of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
