"""Our commands on top of Faust's: settings, topics, database, keys, and the sinks."""

from __future__ import annotations

import hashlib
import secrets
import sys
from typing import Any

from faust.cli import AppCommand, argument
from pydantic import SecretStr

from fraud_app import logging
from fraud_app import topics as declared
from fraud_app.app import app
from fraud_app.kafka.topic_admin import TopicsUnusable, ensure_topics
from fraud_app.postgres.connection import apply_migrations
from fraud_app.settings import Settings, settings


@app.command(argument("action", default="show", type=str))
async def config(self: AppCommand, action: str) -> None:
    """Show the settings with secrets masked (`config show`), or only check them (`config check`)."""
    if action not in ("show", "check"):
        sys.exit("config show, or config check")
    if action == "show":
        for name, value in flat(settings()):
            self.say(f"{name}={value}")
    else:
        self.say("the settings can be used")


@app.command()
async def topics(self: AppCommand) -> None:
    """Create the topics that are missing and check those that are there."""
    try:
        await ensure_topics(settings().kafka)
    except TopicsUnusable as error:
        sys.exit(str(error))
    self.say(f"topics: {', '.join(topic.name for topic in declared.TOPICS)}")


@app.command()
async def migrate(self: AppCommand) -> None:
    """Bring the database's schema up to date."""
    logging.configure(settings())
    await apply_migrations(settings().postgres)
    self.say("the database is up to date")


@app.command(argument("action", default="new", type=str))
async def key(self: AppCommand, action: str) -> None:
    """Make an API key (`key new`): the key is shown once, its hash goes into FRAUD_AUTH__KEY_HASHES."""
    made = secrets.token_urlsafe(32)
    self.say(f"key:  {made}\nhash: {hashlib.sha256(made.encode()).hexdigest()}")


def flat(of: Settings) -> list[tuple[str, Any]]:
    """Every setting by its environment name, secrets masked."""
    lines: list[tuple[str, Any]] = []
    for name, value in of:
        if hasattr(value, "model_fields_set"):
            lines += [(f"FRAUD_{name}__{inner}".upper(), _shown(part)) for inner, part in value]
        else:
            lines.append((f"FRAUD_{name}".upper(), _shown(value)))
    return lines


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "**********"
    return ",".join(map(str, value)) if isinstance(value, list) else value
