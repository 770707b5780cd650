"""Logging: each record is an event with fields, readable on a terminal and JSON elsewhere. Faust,
aiokafka and our own code share one format. A log must never hold card data or a secret.
"""

from __future__ import annotations

import sys
from typing import Any

import structlog

from fraud_app import __version__
from fraud_app.settings import Settings

# Libraries whose INFO records would hide our own events; only their warnings are logged.
_QUIET = (
    "aiokafka",
    "kafka",
    "faust.transport",
    "faust.tables.recovery",
    "faust.app.base",
    "mode",
    "aiohttp.access",
    "pogo_core",
)


def configuration(settings: Settings) -> dict[str, Any]:
    """The dictionary for `logging.config.dictConfig`, which Faust's worker calls."""
    console = settings.log.format == "console" or (
        settings.log.format == "auto" and sys.stderr.isatty()
    )
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()

    def add_service(
        _: Any, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {**event, "version": __version__, "worker": settings.worker_id}

    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(),
                    structlog.processors.TimeStamper(fmt="iso", key="ts"),
                    structlog.processors.format_exc_info,
                    add_service,
                ],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "events",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": settings.log.level},
        "loggers": {name: {"level": "WARNING"} for name in _QUIET},
    }


def configure(settings: Settings) -> None:
    """Configure logging in a command that runs without Faust's worker."""
    import logging.config

    logging.config.dictConfig(configuration(settings))
