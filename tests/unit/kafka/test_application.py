"""How our app stops, which Faust's own does not limit, and how much it reads at once."""

import subprocess
import sys

from fraud_app.kafka.application import MAX_BATCH_BYTES
from fraud_app.kafka.crash import EXIT_CODE
from fraud_app.settings import ROOT
from fraud_app.topics import TOPICS

PROGRAM_WHOSE_STOP_HANGS = """
import asyncio
from fraud_app.kafka import application
from fraud_app.settings import Settings

async def never():
    await asyncio.Event().wait()

async def main():
    app = application.create_app("hangs", Settings())
    app.on_stop = never
    await app.stop()

application.MAX_STOP_S = 0.1
asyncio.run(main())
"""


def test_one_answer_of_the_broker_holds_the_largest_batch_that_it_takes():
    sizes = [int(topic.config.get("max.message.bytes", MAX_BATCH_BYTES)) for topic in TOPICS]
    assert max(sizes) <= MAX_BATCH_BYTES


def test_a_stop_that_hangs_ends_the_process_with_a_log_line():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM_WHOSE_STOP_HANGS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == EXIT_CODE, result.stderr
    assert "worker_dies" in result.stderr
