"""Real servers, started once a run on free ports; workers as processes, as they are in production."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from devtools.stack import ports, services
from devtools.stack.test_cluster import Cluster
from fraud_app.settings import ROOT
from ml.serving import registry
from tests.support.api_client import ApiClient, until
from tests.support.builders import payload

LOGGED = 15
"""Lines of each log that a failed test shows."""

# Importing the app reads the settings: tests must not depend on who runs them.
for name in [
    name
    for name in os.environ
    if name.startswith("FRAUD_") and name not in ("FRAUD_BROWSER", "FRAUD_PYTHON")
]:
    del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for kind in ("integration", "browser"):
            if f"/tests/{kind}/" in str(item.path):
                item.add_marker(kind)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed on the real servers tells what they said last: on another machine that is
    all there is.
    """
    report = yield
    if report.failed and (running := getattr(item, "funcargs", {}).get("running")):
        for log in sorted((running.stack.directory / "logs").glob("*.log")):
            report.sections.append(
                (
                    f"the end of {log.name}",
                    "\n".join(log.read_text(errors="replace").splitlines()[-LOGGED:]),
                )
            )
    return report


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A registry with two versions, the same but for their names; the first is the champion."""
    version = registry.version_of(ROOT / "models", "fraud-lgbm")
    for name in ("one", "two"):
        shutil.copytree(ROOT / "models" / "fraud-lgbm" / version, tmp_path / "fraud-lgbm" / name)
    registry.set_alias(tmp_path, "fraud-lgbm", registry.CHAMPION, "one")
    return tmp_path


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers and the sinks on Kafka, Redis and PostgreSQL, with a registry of models of their
    own.
    """
    models = tmp_path_factory.mktemp("registry") / "models"
    shutil.copytree(ROOT / "models", models)
    made = Cluster(
        "test", 2, lambda _: None, FRAUD_STREAM__CLOCK="ingest", FRAUD_MODEL__DIR=str(models)
    )
    asyncio.run(_whole(made))
    yield made
    made.stop()


KEY = "a-key-for-this-test"


@pytest.fixture(scope="module")
def guarded_address(running: Cluster) -> Iterator[str]:
    """A third worker, which wants a key; ann holds it."""
    hashes = f"ann={hashlib.sha256(KEY.encode()).hexdigest()}"
    environment = {
        **running.environment,
        "FRAUD_AUTH__MODE": "keys",
        "FRAUD_AUTH__KEY_HASHES": hashes,
    }
    one = services.worker(9, environment, running.stack.directory, ports.any_free())
    one.start()
    try:
        one.wait_ready()
        yield f"http://127.0.0.1:{one.port}"
    finally:
        one.stop()


async def _whole(running: Cluster) -> None:
    """Wait until the workers share the partitions, a decision of each reaches the other by the
    feed, and there is a history.
    """

    async def owned() -> list[int]:
        states = [(await ask.get("/health")).body for ask in asks]
        return [
            len(state["partitions"]) if state["checks"]["worker"]["status"] == "ok" else 0
            for state in states
        ]

    async def answers() -> list[int]:
        return [
            (await ask.post("/api/transactions?wait=1000", payload(user_id=f"u{n}"))).status
            for n in range(8)
            for ask in asks
        ]

    async with AsyncExitStack() as stack:
        asks = [
            ApiClient(await stack.enter_async_context(aiohttp.ClientSession(address)))
            for address in running.addresses
        ]
        await until(owned, lambda counts: sum(counts) == 4 and all(counts), 60)
        await until(answers, lambda statuses: set(statuses) == {200}, 60)
        await until(
            lambda: asks[0].get("/api/transactions"), lambda answer: answer.status == 200, 60
        )


@pytest_asyncio.fixture
async def api(running: Cluster) -> AsyncIterator[ApiClient]:
    """The API of the first worker."""
    async with aiohttp.ClientSession(running.addresses[0]) as session:
        yield ApiClient(session)


@pytest_asyncio.fixture
async def other_api(running: Cluster) -> AsyncIterator[ApiClient]:
    """The API of the second worker."""
    async with aiohttp.ClientSession(running.addresses[1]) as session:
        yield ApiClient(session)
