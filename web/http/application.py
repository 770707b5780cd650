"""The options of Faust's own aiohttp application: its limits and our middleware."""

from __future__ import annotations

from typing import Any

from fraud_app.settings import Settings
from web.http.middleware import middlewares

BATCH_FACTOR = 16
"""A batch may be this many times as large as the body of one transaction: enough for 500 usual
ones.
"""


def application_options(settings: Settings) -> dict[str, Any]:
    """The dictionary for `faust.App(web_application_options=…)`."""
    return {
        "client_max_size": settings.web.max_body_bytes * BATCH_FACTOR,
        "middlewares": middlewares(settings),
    }
