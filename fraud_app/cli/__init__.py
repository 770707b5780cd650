"""The command line `fraud`: every command of this system, each in a file of its own. A command must
not import the Faust application before it runs, so that `--help` is fast and needs no settings.
"""

from __future__ import annotations

import asyncio

import click
import uvloop

from fraud_app import __version__
from fraud_app.cli.config import config
from fraud_app.cli.dlq import dlq
from fraud_app.cli.faust import faust, worker
from fraud_app.cli.key import key
from fraud_app.cli.migrate import migrate
from fraud_app.cli.model import model
from fraud_app.cli.sinks import sinks
from fraud_app.cli.topics import topics


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fraud")
def fraud() -> None:
    """Real-time payment fraud detection."""


for command in (worker, sinks, config, topics, migrate, dlq, key, model, faust):
    fraud.add_command(command)


def main() -> None:
    """Entry point of the `fraud` script."""
    # First of all: importing the application uses the event loop policy.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    fraud(prog_name="fraud")
