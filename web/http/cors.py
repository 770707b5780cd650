"""Cross-origin requests (CORS): what a browser asks before a page of another origin may send its
request, and what it needs to show such a page the answer. Only `FRAUD_WEB__ALLOWED_ORIGINS` may.
"""

from __future__ import annotations

from aiohttp import web

from fraud_app.settings import Settings
from web.http.problem import Problem

METHODS = ("DELETE", "GET", "HEAD", "POST", "PUT")
"""Of all routes together: without a key nobody learns which path has which."""
_SENT = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "Prefer",
    "X-Analyst",
    "X-Request-Id",
)
_SHOWN = (
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "Server-Timing",
    "X-Request-Id",
)
MAX_AGE_S = 600
"""How long a browser need not ask again."""


def preflight(request: web.Request, settings: Settings) -> web.Response | None:
    """The answer to a browser's question whether a page may send a request; None when this is
    none. A browser asks without a key. Raises `Problem` 403 for an origin that is not allowed.
    """
    origin = request.headers.get("Origin")
    asked = request.headers.get("Access-Control-Request-Method")
    if request.method != "OPTIONS" or origin is None or asked is None:
        return None
    if origin not in settings.web.allowed_origins:
        raise origin_refused()
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": ", ".join(METHODS),
            "Access-Control-Allow-Headers": ", ".join(_SENT),
            "Access-Control-Max-Age": str(MAX_AGE_S),
        },
    )


def allow_origin(answer: web.StreamResponse, request: web.Request, settings: Settings) -> None:
    """Let the page that asked see the answer, when its origin is allowed."""
    if not settings.web.allowed_origins:
        return
    answer.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin")
    if origin in settings.web.allowed_origins:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Expose-Headers"] = ", ".join(_SHOWN)


def origin_refused() -> Problem:
    """The answer to a page of an origin that is not allowed."""
    return Problem(
        403,
        "origin_refused",
        "pages of this origin may not do this; FRAUD_WEB__ALLOWED_ORIGINS names those that may",
    )
