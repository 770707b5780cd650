"""What Faust's own aiohttp application is made with: its limits and our middleware."""

from __future__ import annotations

from typing import Any

from fraud_app.settings import Settings
from web.http.middleware import middlewares

BATCH_FACTOR = 16
"""A batch may be this many times as large as one transaction's body."""


def application_options(settings: Settings) -> dict[str, Any]:
    """For `faust.App(web_application_options=…)`: aiohttp's own limits and our middleware."""
    return {
        "client_max_size": settings.web.max_body_bytes * BATCH_FACTOR,
        "middlewares": middlewares(settings),
    }
