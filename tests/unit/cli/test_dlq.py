"""`fraud dlq` when it is used wrongly, and when no server answers."""

import importlib

import pytest
from click.testing import CliRunner

from fraud_app.settings import Kafka, Postgres

NOBODY = "127.0.0.1:9"
"""A port that nothing listens on."""


command = importlib.import_module("fraud_app.cli.dlq")
"""The module; the package's `dlq` is the click group."""


class Servers:
    """Settings of servers that are away."""

    kafka = Kafka(brokers=NOBODY)
    postgres = Postgres(dsn=f"postgresql://nobody@{NOBODY}/none")


@pytest.fixture
def fraud_dlq(monkeypatch):
    monkeypatch.setattr(command, "settings", lambda: Servers)

    def run(*arguments):
        result = CliRunner().invoke(command.dlq, arguments)
        return result.exit_code, result.output

    return run


@pytest.mark.parametrize(
    "arguments", [("list",), ("show", "1"), ("resend", "1"), ("resend", "--all")]
)
def test_a_server_that_is_away_has_an_exit_code_of_its_own_and_names_the_setting(
    fraud_dlq, arguments
):
    code, output = fraud_dlq(*arguments)
    assert code == 3
    assert "FRAUD_POSTGRES__DSN" in output or "FRAUD_KAFKA__BROKERS" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("resend",),
        ("resend", "1", "--all"),
        ("resend", "1", "--code", "invalid"),
        ("resend", "x"),
        ("show",),
        ("show", "-1"),
        ("list", "--since", "yesterday"),
        ("delete",),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(fraud_dlq, arguments):
    assert fraud_dlq(*arguments)[0] == 2


def test_the_help_says_what_each_command_does(fraud_dlq):
    code, output = fraud_dlq("--help")
    assert code == 0
    for name in ("list", "show", "resend"):
        assert name in output
