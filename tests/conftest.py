"""Real servers, started once for each process of a run, on free ports; workers are processes, as in
production.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import aiohttp
import hypothesis
import pytest
import pytest_asyncio

from devtools.stack.process import Freezer
from devtools.stack.test_cluster import Cluster
from fraud_app.settings import ROOT
from ml.serving import registry
from tests.support.api_client import ApiClient
from tests.support.cluster import extra_worker, wait_until_steady

LOG_LINES = 15
"""Lines of each log that a failed test shows."""
REDIS_DEADLINE_MS = "500"
"""In production scoring goes on without Redis after 15 ms. On two busy cores that happens now and
then, and a test that is not about it would find a degraded decision or a forgotten id."""

# On two busy cores any example may take longer than a deadline.
hypothesis.settings.register_profile("steady", deadline=None)
hypothesis.settings.load_profile("steady")

collect_ignore = ["support"]
"""Not tests; and `support/faults` breaks whoever imports it."""

# Importing the app reads the settings: tests must not depend on who runs them.
for name in [
    name
    for name in os.environ
    if name.startswith("FRAUD_") and name not in ("FRAUD_BROWSER", "FRAUD_PYTHON")
]:
    del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need servers or a browser by their directory."""
    for item in items:
        for kind in ("integration", "browser"):
            if f"/tests/{kind}/" in str(item.path):
                item.add_marker(kind)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of each server's log to the report of a failed test: on another machine there is
    nothing else to look at.
    """
    report = yield
    if report.failed and (running := getattr(item, "funcargs", {}).get("running")):
        for log in sorted((running.stack.directory / "logs").glob("*.log")):
            report.sections.append(
                (
                    f"the end of {log.name}",
                    "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]),
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
    own. The first test begins when all of them work together.
    """
    models = tmp_path_factory.mktemp("registry") / "models"
    shutil.copytree(ROOT / "models", models)
    cluster = Cluster(
        f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}",
        2,
        lambda _: None,
        FRAUD_STREAM__CLOCK="ingest",
        FRAUD_MODEL__DIR=str(models),
        FRAUD_REDIS__DEADLINE_MS=REDIS_DEADLINE_MS,
    )
    try:
        asyncio.run(wait_until_steady(cluster))
        yield cluster
    finally:
        cluster.stop()


KEY = "a-key-for-this-test"


@pytest_asyncio.fixture(scope="module")
async def guarded_address(running: Cluster) -> AsyncIterator[str]:
    """The address of a third worker that asks for a key; the key belongs to ann."""
    hashes = f"ann={hashlib.sha256(KEY.encode()).hexdigest()}"
    async with extra_worker(
        running, 9, FRAUD_AUTH__MODE="keys", FRAUD_AUTH__KEY_HASHES=hashes
    ) as address:
        yield address


@pytest_asyncio.fixture
async def freezer(running: Cluster) -> AsyncIterator[Freezer]:
    """Freezes processes; they go on when the test ends, and the next test finds everything as it
    was.
    """
    freezer = Freezer()
    try:
        yield freezer
    finally:
        freezer.thaw()
        await wait_until_steady(running)


@pytest_asyncio.fixture
async def recovery(running: Cluster) -> AsyncIterator[None]:
    """For a test that kills a process: the next one begins when it is back."""
    yield
    await wait_until_steady(running)


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
