"""`fraud sinks`: runs the applications that write to PostgreSQL and to the live feed."""

from __future__ import annotations

import sys

import click


@click.command()
def sinks() -> None:
    """Store what was decided in PostgreSQL, and feed the live pages."""
    from fraud_app import sinks as applications

    sys.argv = ["fraud"]  # Faust's worker reads the command line
    applications.run()
