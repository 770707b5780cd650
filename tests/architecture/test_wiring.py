"""Importing the applications opens nothing: no connection and no model."""

import subprocess
import sys

import pytest

from tests.support.source import ROOT

WATCHED = """
import sys
opened = []
def watch(event, arguments):
    if event == "socket.connect":
        opened.append(str(arguments[1]))
    elif event == "open" and str(arguments[0]).startswith({models!r}):
        opened.append(str(arguments[0]))
sys.addaudithook(watch)
import {module}
assert not opened, opened
"""


@pytest.mark.parametrize("module", ["fraud_app.app", "fraud_app.sinks", "fraud_app.resources"])
def test_importing_an_application_opens_nothing(module):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(module=module, models=str(ROOT / "models"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_applications_find_their_agents():
    listing = """
from fraud_app.app import app
from fraud_app.sinks import feed, storage
for application in (app, storage, feed):
    application.discover()
print(sorted(app.agents), sorted(storage.agents), sorted(feed.agents))
"""
    done = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=False
    )
    expected = "['scoring'] ['dead_letters', 'labels', 'storage'] ['feed']"
    assert done.stdout.strip() == expected, done.stderr
