"""The HTTP API, the live feed and the pages, on Faust's own aiohttp application."""

from __future__ import annotations

from typing import Any

from fraud_app.settings import Settings


def application_options(settings: Settings) -> dict[str, Any]:
    return {}
