"""`fraud migrate`: applies the migrations of the database schema."""

from __future__ import annotations

import asyncio

import click


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from fraud_app import logging
    from fraud_app.postgres.connection import apply_migrations
    from fraud_app.settings import settings

    logging.configure(settings())
    asyncio.run(apply_migrations(settings().postgres))
    click.echo("the database is up to date")
