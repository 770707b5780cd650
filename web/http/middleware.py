"""The middleware that every request passes: request id, time limit, access control, problem details
instead of error pages, security headers and metrics. No exception may leave it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from fraud_app import metrics
from fraud_app.settings import Settings
from web.http.access import check_host, check_origin, holder_of_key
from web.http.cors import allow_origin, preflight
from web.http.headers import complete, give_id
from web.http.problem import Problem, response

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
COMPRESS_FROM = 16_384
"""Bytes. Lists and pages are worth compressing; a single decision is not worth the time."""
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Others are one label of the metric: a client must not be able to make up new ones."""


def middlewares(settings: Settings) -> list[Any]:
    """The middlewares of the application, the outermost first."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        give_id(request)
        request["body_timeout_s"] = settings.web.body_timeout_s
        started = time.perf_counter()
        answer = await _answer(request, handler, settings)
        if not answer.prepared:
            complete(answer, request)
            allow_origin(answer, request, settings)
            if worth_compressing(answer):
                answer.enable_compression()
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        method = request.method if request.method in _METHODS else "other"
        metrics.HTTP_SECONDS.labels(method, route, str(answer.status)).observe(
            time.perf_counter() - started
        )
        return answer

    return [observe]


def worth_compressing(answer: web.StreamResponse) -> bool:
    """Whether the body is long, made for this request, and not compressed already."""
    body = answer.body if isinstance(answer, web.Response) else None
    return (
        isinstance(body, bytes)
        and len(body) > COMPRESS_FROM
        and "Content-Encoding" not in answer.headers
        and "immutable" not in answer.headers["Cache-Control"]  # a file, compressed beforehand
    )


async def _answer(request: web.Request, handler: Handler, settings: Settings) -> web.StreamResponse:
    """The handler's response, or problem details for everything that was raised. `/ws` has no time
    limit, since it stays open.
    """
    try:
        check_host(request, settings)
        if (allowed := preflight(request, settings)) is not None:
            return allowed
        request["analyst"] = holder_of_key(request, settings)
        check_origin(request, settings)
        if request.path == "/ws":
            return await handler(request)
        async with asyncio.timeout(settings.web.request_timeout_s):
            return await handler(request)
    except Problem as problem:
        return response(problem, request)
    except TimeoutError:
        return response(
            Problem(503, "timeout", "the request took too long", headers={"Retry-After": "1"}),
            request,
        )
    except web.HTTPRequestEntityTooLarge:
        return response(
            Problem(
                413, "body_too_large", f"at most {settings.web.max_body_bytes} bytes are accepted"
            ),
            request,
        )
    except web.HTTPNotFound:
        return response(Problem(404, "not_found", f"there is nothing at {request.path}"), request)
    except web.HTTPMethodNotAllowed as refused:
        methods = ", ".join(sorted(refused.allowed_methods))
        return response(
            Problem(405, "method_not_allowed", f"use {methods}", headers={"Allow": methods}),
            request,
        )
    except web.HTTPException as other:
        if other.status < 400:
            raise
        return response(Problem(other.status, "refused", other.reason), request)
    except Exception as error:
        if isinstance(error, ConnectionError) and request.transport is None:
            return response(Problem(400, "aborted", "the client went away"), request)
        log.exception(
            "request_failed", extra={"path": request.path, "request_id": request["request_id"]}
        )
        return response(
            Problem(500, "internal", "something went wrong here; the log has the request's id"),
            request,
        )
