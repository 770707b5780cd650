"""The options by which `fraud dlq` chooses dead letters."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from fraud_app.postgres.dead_letters import LetterFilter

LETTER = click.IntRange(0, 2**63 - 1)
"""The offset of a letter in the topic, which has one partition."""
_AGO = re.compile(r"^(\d{1,6})([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType):
    """A time: ISO 8601, in UTC unless it says otherwise; or how long ago, such as 90m, 2h or 7d."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if ago := _AGO.match(value):
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: use 2026-11-28T09:30 or 2h", param, ctx)


_OPTIONS = (
    click.option("--code", help="why: invalid, malformed, unprocessable, conflict, ..."),
    click.option("--topic", help="that the record came from"),
    click.option("--partition", type=LETTER, help="that the record came from"),
    click.option("--offset", type=LETTER, help="of the record in that partition"),
    click.option("--transaction", help="its transaction_id"),
    click.option("--user", help="its user_id"),
    click.option("--resent/--not-resent", default=None, help="whether they were sent again"),
    click.option("--since", type=Moment(), help="written at or after; 2026-11-28T09:30 or 2h"),
    click.option("--until", type=Moment(), help="written before"),
    click.option(
        "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="at most"
    ),
)


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which is given `letter_filter` and `limit`."""

    @functools.wraps(command)
    def with_filter(
        *,
        code: str | None,
        topic: str | None,
        partition: int | None,
        offset: int | None,
        transaction: str | None,
        user: str | None,
        resent: bool | None,
        since: datetime | None,
        until: datetime | None,
        **others: Any,
    ) -> None:
        letter_filter = LetterFilter(
            code=code,
            topic=topic,
            original_partition=partition,
            original_offset=offset,
            transaction_id=transaction,
            user_id=user,
            resent=resent,
            since=since,
            until=until,
        )
        command(letter_filter=letter_filter, **others)

    for option in reversed(_OPTIONS):
        option(with_filter)
    return with_filter
