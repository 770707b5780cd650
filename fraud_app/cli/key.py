"""`fraud key`: keys of the API."""

from __future__ import annotations

import hashlib
import secrets

import click


@click.command()
@click.argument("action", type=click.Choice(["new"]), default="new")
def key(action: str) -> None:
    """Make an API key: it is shown once, its hash goes into FRAUD_AUTH__KEY_HASHES."""
    made = secrets.token_urlsafe(32)
    click.echo(f"key:  {made}\nhash: {hashlib.sha256(made.encode()).hexdigest()}")
