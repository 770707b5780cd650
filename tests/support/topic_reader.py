"""A program that reads a topic as our applications do: `python -m tests.support.topic_reader TOPIC
GROUP`. It prints a line of JSON for each record, and ten times a second the lag of each partition.

A test runs it as `TopicReader`. Only a broker is needed, and the topic may be the test's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import faust

from fraud_app.kafka import compat
from fraud_app.kafka.application import batch_topic, create_app
from fraud_app.kafka.batches import acknowledge, work_batches
from fraud_app.settings import ROOT, Settings

LOOK_EVERY_S = 0.1


def main(topic: str, group: str) -> None:
    app = create_app(group, Settings(), store="memory://", web_enabled=False)

    @app.agent(batch_topic(app, topic))
    async def read(stream: Any) -> None:
        async for work in work_batches(stream, 100):
            for record in work.records:
                value = None if record.value is None else record.value.decode("latin-1")
                names = [name for name, _ in record.headers]
                say(offset=record.offset, partition=record.partition, value=value, headers=names)
            acknowledge(app, work, work.records)

    @app.task
    async def report_lag() -> None:
        while not app.should_stop:
            say(lag=compat.lag(app, topic))
            await asyncio.sleep(LOOK_EVERY_S)

    worker = faust.Worker(app, loglevel="WARNING")
    sys.argv = ["reader"]  # Faust's worker reads the command line
    worker.execute_from_commandline()


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


class TopicReader:
    """The program while it runs, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process, self._log = process, log
        self.values: list[str | None] = []
        self.headers: list[list[str]] = []
        self.lags: list[dict[str, int]] = []
        """Of each look, by partition."""

    async def follow(self) -> None:
        """Take down what it says until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if not line.startswith(b'{"'):
                continue
            said = json.loads(line)
            if "lag" in said:
                self.lags.append(said["lag"])
            else:
                self.values.append(said["value"])
                self.headers.append(said["headers"])

    async def has_no_lag(self) -> bool:
        """Whether everything is done, as its next look sees it."""
        looks = len(self.lags)
        while len(self.lags) < looks + 2:
            assert self._process.returncode is None, self.log()
            await asyncio.sleep(LOOK_EVERY_S)
        return bool(self.lags[-1]) and not any(self.lags[-1].values())

    async def has(self, count: int) -> bool:
        assert self._process.returncode is None, self.log()
        return len(self.values) >= count

    def log(self) -> str:
        return self._log.read_text(errors="replace")


@contextlib.asynccontextmanager
async def reading(
    environment: Mapping[str, str], topic: str, group: str, directory: Path
) -> AsyncIterator[TopicReader]:
    """A reader of a topic, as a member of a group. It stops by itself at the end."""
    log = directory / f"{group}.log"
    settings = {**environment, "FRAUD_STREAM__DATA_DIR": str(directory / "data")}
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.topic_reader", topic, group),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), **settings},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    reader = TopicReader(process, log)
    following = asyncio.create_task(reader.follow())
    try:
        yield reader
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await following


if __name__ == "__main__":
    main(*sys.argv[1:])
