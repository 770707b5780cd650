"""`fraud key`: creates keys of the API. Only the hash may ever be stored."""

from __future__ import annotations

import hashlib
import secrets

import click


@click.command()
@click.argument("action", type=click.Choice(["new"]), default="new")
def key(action: str) -> None:
    """Make an API key: it is shown once, its hash goes into FRAUD_AUTH__KEY_HASHES."""
    api_key = secrets.token_urlsafe(32)
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    click.echo(f"key:  {api_key}\nhash: {digest}")
