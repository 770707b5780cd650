"""How `fraud dlq` chooses letters."""

from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner

from fraud_app.cli.dlq_filters import filters


def chosen(*arguments):
    """What the options choose; an int is the exit code of a refusal."""
    given = {}

    @click.command()
    @filters
    def command(letter_filter, limit):
        given.update(letter_filter._asdict(), limit=limit)

    result = CliRunner().invoke(command, arguments)
    return result.exit_code or given


def test_without_options_everything_is_chosen_and_the_list_is_short():
    found = chosen()
    assert found.pop("limit") == 50
    assert set(found.values()) == {None}


def test_every_option_is_a_condition():
    found = chosen(
        *("--code", "invalid", "--topic", "transactions.raw", "--partition", "0"),
        *("--offset", "17", "--transaction", "t1", "--user", "u1", "--limit", "7"),
        "--not-resent",
    )
    assert found == {
        "code": "invalid",
        "topic": "transactions.raw",
        "original_partition": 0,
        "original_offset": 17,
        "transaction_id": "t1",
        "user_id": "u1",
        "resent": False,
        "since": None,
        "until": None,
        "limit": 7,
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T09:30", datetime(2026, 11, 28, 9, 30, tzinfo=UTC)),
        ("2026-11-28T09:30:00+02:00", datetime(2026, 11, 28, 7, 30, tzinfo=UTC)),
        ("2026-11-28", datetime(2026, 11, 28, tzinfo=UTC)),
    ],
)
def test_a_time_is_in_utc_unless_it_says_otherwise(text, moment):
    assert chosen("--since", text)["since"] == moment


def test_a_time_may_say_how_long_ago():
    before = datetime.now(UTC)
    found = chosen("--since", "90m", "--until", "2d")
    assert timedelta(0) <= found["since"] - (before - timedelta(minutes=90)) < timedelta(minutes=1)
    assert timedelta(0) <= found["until"] - (before - timedelta(days=2)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "yesterday"),
        ("--since", "2026-13-01"),
        ("--offset", "-1"),
        ("--partition", "x"),
        ("--limit", "0"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(arguments):
    assert chosen(*arguments) == 2
