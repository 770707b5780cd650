"""Headers that every response has, and the id that a request has in all of them."""

from __future__ import annotations

import re

import uuid_utils
from aiohttp import web

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
# plotly and Swagger UI set inline styles. Nothing may be loaded from another host, and no script
# may run inline.
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def give_id(request: web.BaseRequest) -> None:
    """Remember the id that the client gave to its request, or a new one."""
    sent_id = request.headers.get("X-Request-Id", "")
    request["request_id"] = sent_id if _REQUEST_ID.match(sent_id) else str(uuid_utils.uuid7())


def complete(answer: web.StreamResponse, request: web.BaseRequest) -> None:
    """Set what the response does not set itself."""
    answer.headers.setdefault("X-Request-Id", request["request_id"])
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
