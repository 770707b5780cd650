"""One format for everybody's events."""

import json
import logging
import logging.config

import pytest

from fraud_app.logging import configuration
from fraud_app.settings import Log, Settings


@pytest.fixture
def settings():
    return Settings(worker_id="w-1", log=Log(format="json", level="INFO"))


def test_an_event_is_one_line_of_json_with_its_fields(settings, capsys):
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(configuration(settings))
        logging.getLogger("agents.scoring").info("dead_lettered", extra={"reason": "malformed"})
        written = json.loads(capsys.readouterr().err)
    finally:
        root.handlers[:] = before
    assert written["event"] == "dead_lettered"
    assert (written["reason"], written["worker"], written["level"]) == ("malformed", "w-1", "info")


def test_libraries_speak_up_only_when_something_is_wrong(settings):
    loggers = configuration(settings)["loggers"]
    assert loggers["aiokafka"] == {"level": "WARNING"}
