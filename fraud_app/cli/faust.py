"""`fraud worker` and `fraud faust`: Faust's own commands on the scoring application. Options are
passed on unread, because Faust parses them itself.
"""

from __future__ import annotations

import sys

import click

_PASS_OPTIONS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=_PASS_OPTIONS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def worker(arguments: tuple[str, ...]) -> None:
    """Score transactions, serve the API and the pages. `fraud worker --help` lists Faust's
    options.
    """
    _run("worker", *arguments)


@click.command(context_settings=_PASS_OPTIONS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def faust(arguments: tuple[str, ...]) -> None:
    """Faust's own commands on the scoring application: agents, tables, reset and others."""
    _run(*(arguments or ("--help",)))


def _run(*arguments: str) -> None:
    from fraud_app.app import app

    sys.argv = ["fraud", *arguments]
    app.main()
