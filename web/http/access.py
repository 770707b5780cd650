"""Access control: the key, the host and the origin of a request. A key must never be logged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from aiohttp import HttpVersion10, HttpVersion11, web

from fraud_app.settings import Settings, is_loopback
from web.http.cors import origin_refused
from web.http.problem import Problem

OPEN_ROUTES = frozenset({"/livez", "/readyz"})
"""A supervisor without a key asks these; they reveal nothing but one word."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{0,5})?")
_ANALYST = re.compile(r"^[A-Za-z0-9._@-]{1,64}$")


def check_host(request: web.Request, settings: Settings) -> None:
    """Refuse a request whose host is none, and HTTP of another version than 1.0 and 1.1. Without
    keys, answer only requests to a loopback name, so that no page can reach us by a name that it
    binds to this machine (DNS rebinding). Raises `Problem` 400 or 403.
    """
    host = request.headers.get("Host")
    if request.version not in (HttpVersion10, HttpVersion11):
        raise Problem(400, "malformed_request", "this server speaks HTTP/1.1")
    if host is None:
        # Only old and simple programs send none, such as a load balancer's check; no browser does.
        if request.version == HttpVersion11:
            raise Problem(400, "malformed_request", "HTTP/1.1 needs a Host header")
        return
    parts = _HOST.fullmatch(host)
    if parts is None:
        raise Problem(400, "malformed_request", "the Host header is no host name and port")
    name = parts["name"].strip("[]").rstrip(".").lower()
    if settings.auth.mode == "off" and not is_loopback(name):
        raise Problem(
            403, "host_refused", "without keys only localhost and loopback addresses are answered"
        )


def holder_of_key(request: web.Request, settings: Settings) -> str:
    """The name of the person or program that asks. With keys on, every route except the probes
    needs a key: Bearer for programs, Basic (with the key as password) for browsers. Raises
    `Problem` 401.

    Without keys, the page sends the analyst's name in `X-Analyst`. The name is trusted, because
    only this machine can reach the server.
    """
    if settings.auth.mode == "off":
        name = request.headers.get("X-Analyst", "")
        return name if _ANALYST.match(name) else "local"
    if request.path in OPEN_ROUTES:
        return ""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    key = ""
    if scheme.lower() == "bearer":
        key = credentials.strip()
    elif scheme.lower() == "basic":
        try:
            key = base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except ValueError:
            key = ""
    # A header may have any bytes.
    digest = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    # All hashes are compared, so that the time reveals nothing.
    holders = [
        name for key_hash, name in settings.auth.holders() if hmac.compare_digest(digest, key_hash)
    ]
    if not holders:
        raise Problem(
            401,
            "key_needed",
            "send a key: Authorization: Bearer <key>",
            headers={"WWW-Authenticate": 'Basic realm="fraud", charset="UTF-8"'},
        )
    return holders[0]


def check_origin(request: web.Request, settings: Settings) -> None:
    """Pages of other origins must not write or open the live feed. Raises `Problem` 403."""
    origin = request.headers.get("Origin")
    if origin is None or (request.method in SAFE_METHODS and request.path != "/ws"):
        return
    own = origin.partition("://")[2] == request.headers.get("Host")
    if not own and origin not in settings.web.allowed_origins:
        raise origin_refused()
