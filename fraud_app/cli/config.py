"""`fraud config`: shows or checks the settings of this process. It must never show a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from fraud_app.settings import Settings, settings


@click.command()
@click.argument("action", type=click.Choice(["show", "check"]), default="show")
def config(action: str) -> None:
    """Show the settings with secrets masked (`config show`), or only check them (`config
    check`).
    """
    current = settings()
    if action == "check":
        click.echo("the settings can be used")
        return
    for name, value in flattened(current):
        click.echo(f"{name}={value}")


def flattened(current: Settings) -> Iterator[tuple[str, Any]]:
    """Each setting as (environment name, value), with secrets masked."""
    for name, value in current:
        if isinstance(value, BaseModel):
            for inner, setting in value:
                yield f"FRAUD_{name}__{inner}".upper(), _shown(setting)
        else:
            yield f"FRAUD_{name}".upper(), _shown(value)


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "**********"
    return ",".join(map(str, value)) if isinstance(value, list) else value
