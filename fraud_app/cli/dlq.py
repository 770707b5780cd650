"""`fraud dlq list | show | resend`: dead letters on the command line. Values are shown masked only.

Exit codes: 0 done; 1 a letter was not found or could not be sent again; 2 wrong usage; 3 the broker
or the database does not answer.
"""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import click

from fraud_app.cli import dlq_text
from fraud_app.cli.dlq_filters import LETTER, filters
from fraud_app.errors import FraudError
from fraud_app.postgres import dead_letters as table
from fraud_app.postgres.connection import UNAVAILABLE, connect
from fraud_app.postgres.dead_letters import LetterFilter, StoredLetter
from fraud_app.settings import settings

if TYPE_CHECKING:
    from fraud_app.dead_letters import LetterContent, ResendResult

Result = TypeVar("Result")


class DoesNotAnswer(FraudError, click.ClickException):
    """A server that the command needs does not answer."""

    exit_code = 3


@click.group()
def dlq() -> None:
    """Dead letters: what could not be processed, why, and sending it again."""


@dlq.command("list")
@filters
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def list_letters(letter_filter: LetterFilter, limit: int, as_json: bool) -> None:
    """List dead letters, newest first."""
    letters = _run(_find(letter_filter, limit))
    click.echo("\n".join([_json(one) for one in letters] if as_json else dlq_text.table(letters)))


@dlq.command()
@click.argument("letter", type=LETTER)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def show(letter: int, as_json: bool) -> None:
    """Show the LETTER at this offset: why it is there, and its value with card data masked."""
    stored, content = _run(_look(letter))
    if as_json:
        click.echo(_json(stored, **content._asdict()))
        return
    lines = dlq_text.described(stored)
    if content.cannot_resend:
        lines.append(f"{'to resend':12} not possible: {content.cannot_resend}")
    click.echo("\n".join((*lines, "", content.value or "")))


@dlq.command()
@click.argument("letters", nargs=-1, type=LETTER)
@filters
@click.option("--all", "everything", is_flag=True, help="all that were not sent again")
@click.option("--dry-run", is_flag=True, help="only list them")
@click.option("--yes", is_flag=True, help="do not ask")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a letter")
@click.pass_context
def resend(
    context: click.Context,
    letters: tuple[int, ...],
    letter_filter: LetterFilter,
    limit: int,
    everything: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send the LETTERS at these offsets again, or those that the options choose, to the topics that
    they came from. A letter is sent once, however often it is asked for.
    """
    if bool(letters) == (everything or letter_filter != LetterFilter()):
        raise click.UsageError("name letters by their offsets, or choose them by options or --all")
    if not letters:
        chosen = _run(_find(letter_filter._replace(resent=False), limit))
        letters = tuple(one.summary.offset for one in reversed(chosen))  # in their first order
        if dry_run or not yes:
            click.echo("\n".join(dlq_text.table(chosen)), err=True)
        if letters and not dry_run and not yes:
            click.confirm(f"Send {len(letters)} again?", abort=True, err=True)
    if letters and not dry_run and not _run(_send(letters, as_json)):
        context.exit(1)


async def _find(letter_filter: LetterFilter, limit: int) -> list[StoredLetter]:
    async with connect(settings().postgres) as connection:
        return await table.page(connection, letter_filter, limit)


async def _look(offset: int) -> tuple[StoredLetter, LetterContent]:
    from fraud_app.dead_letters import content_of
    from fraud_app.kafka.dead_letter_topic import open_topic

    async with connect(settings().postgres) as connection:
        stored = await table.get(connection, offset)
    if stored is None:
        raise click.ClickException(f"no dead letter {offset} is stored")
    async with open_topic(settings().kafka.brokers) as topic:
        return stored, content_of(stored, await topic.read(offset), _partition_of())


async def _send(offsets: tuple[int, ...], as_json: bool) -> bool:
    """Send these letters again, and print what becomes of each. Whether all are sent now."""
    from aiokafka import AIOKafkaProducer

    from fraud_app.dead_letters import Outcome, resend
    from fraud_app.kafka.dead_letter_topic import open_topic

    brokers, done = settings().kafka.brokers, True
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
    async with connect(settings().postgres) as connection, open_topic(brokers) as topic:

        async def send(name: str, partition: int, message: Any) -> int:
            key, value, headers = message
            sent = await producer.send_and_wait(
                name, value, key=key, partition=partition, headers=headers
            )
            return int(sent.offset)

        await producer.start()
        try:
            for offset in offsets:
                result = await resend(connection, offset, _who(), topic.read, send, _partition_of())
                _report(result, as_json)
                done &= result.outcome in (Outcome.RESENT, Outcome.ALREADY_RESENT)
        finally:
            await producer.stop()
    return done


def _partition_of() -> Any:
    from fraud_app.kafka.partitioner import partition_of

    return partial(partition_of, partitions=settings().kafka.partitions)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "fraud dlq"


def _report(result: ResendResult, as_json: bool) -> None:
    line = json.dumps(result._asdict()) if as_json else "  ".join(map(str, result))
    click.echo(line)


def _json(stored: StoredLetter, **more: str | None) -> str:
    """A letter as the API gives it. In ASCII: nothing in it can act on a terminal."""
    from web.schemas.dead_letters import DeadLetter

    return json.dumps({**DeadLetter.of(stored).model_dump(mode="json"), **more})


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of this work. Raises `DoesNotAnswer`, which names the setting."""
    from aiokafka.errors import KafkaError

    try:
        return asyncio.run(work)
    except KafkaError as error:
        raise DoesNotAnswer(f"FRAUD_KAFKA__BROKERS: no broker answers ({error!r})") from error
    except asyncpg.UndefinedTableError as error:
        raise DoesNotAnswer("the database lacks a table: run `fraud migrate`") from error
    except UNAVAILABLE as error:
        name = type(error).__name__
        raise DoesNotAnswer(f"FRAUD_POSTGRES__DSN: PostgreSQL does not answer ({name})") from error
