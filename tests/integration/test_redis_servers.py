"""Redis after a fail-over, and Redis that is a cluster: with servers of their own."""

import asyncio
import os
import sys
import uuid
from contextlib import suppress

import pytest
import redis.asyncio as redis

from devtools.stack import ports, redis_server
from fraud_app.settings import ROOT
from ml.profile.event import hash64
from tables.mirror import Mirror
from tables.redis.client import RedisClient, RedisClusterRefused, refuse_cluster
from tables.redis.cross_user_signals import SignalStore
from tables.user_row import EMPTY, encode
from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import NOW_MS, event

PASSWORD = "secret-of-this-test"


class Server:
    def __init__(self, directory, *more):
        self.port = ports.any_free()
        self.process = redis_server.start(directory, self.port, PASSWORD, *more)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.admin = redis.from_url(self.url)

    async def stop(self):
        await self.admin.aclose()
        await asyncio.to_thread(self.process.stop)


class Address:
    """One address that leads to one of several servers. Connections that are open stay where they
    are when it changes, as with a virtual address or a name.
    """

    def __init__(self, target):
        self.target = target

    async def __aenter__(self):
        self.port = ports.any_free()
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _forward(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target.port)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader, writer):
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@pytest.fixture
async def two_servers(tmp_path):
    servers = [Server(tmp_path / name) for name in ("old", "new")]
    yield servers
    for server in servers:
        await server.stop()


async def test_after_a_fail_over_the_new_primary_is_written_to(two_servers):
    old, new = two_servers
    user = f"u-{uuid.uuid4().hex}"
    observed = [(event(NOW_MS, device_id=user), hash64(user))]
    row = {user: encode(EMPTY._replace(offset=1))}
    async with Address(old) as address:
        link = RedisClient(address.url)
        signals = SignalStore(link, TIMEOUT_S * 1000)
        mirror = Mirror(link, 10, "test", lambda: iter(row.items()))
        copying = asyncio.create_task(mirror.run())
        try:
            assert await signals.observe(observed)
            await until(lambda: mirror.read([user], TIMEOUT_S), lambda rows: None not in rows)
            await old.admin.replicaof("127.0.0.1", new.port)
            address.target = new
            mirror.rebuild_soon()
            await until(lambda: signals.observe(observed))
            await until(lambda: new.admin.get(f"row:{user}"))
            assert await until(lambda: new.admin.keys("shared:d:*"))
            assert link.is_up
        finally:
            copying.cancel()
            await link.close()


async def test_while_there_is_no_primary_calls_fail_and_scoring_goes_on_without(two_servers):
    old, new = two_servers
    await old.admin.replicaof("127.0.0.1", new.port)
    link = RedisClient(old.url)
    signals = SignalStore(link, TIMEOUT_S * 1000)
    observed = [(event(NOW_MS, device_id="d"), hash64("u"))]
    try:
        assert await signals.observe(observed) is None
        assert "ReadOnlyError" in link.last_error
        await old.admin.execute_command("REPLICAOF", "NO", "ONE")
        assert await until(lambda: signals.observe(observed))
    finally:
        await link.close()


async def test_a_cluster_is_refused_with_one_sentence(tmp_path):
    node = Server(tmp_path, "cluster-enabled yes", f"cluster-port {ports.any_free()}")
    try:
        with pytest.raises(RedisClusterRefused, match="FRAUD_REDIS__URL names a Redis Cluster"):
            await asyncio.to_thread(refuse_cluster, node.url)
    finally:
        await node.stop()


@pytest.mark.parametrize("command", ["worker", "sinks"])
async def test_a_worker_does_not_start_with_a_cluster(tmp_path, command):
    node = Server(tmp_path, "cluster-enabled yes", f"cluster-port {ports.any_free()}")
    try:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "fraud_app", command),
            cwd=ROOT,
            env={
                **os.environ,
                "FRAUD_REDIS__URL": node.url,
                "FRAUD_STREAM__DATA_DIR": str(tmp_path / "data"),
                "FRAUD_WEB__PORT": str(ports.any_free()),
                "FRAUD_KAFKA__BROKERS": f"127.0.0.1:{ports.any_free()}",
            },
            stderr=asyncio.subprocess.STDOUT,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(started.communicate(), TIMEOUT_S)
    finally:
        await node.stop()
    assert started.returncode not in (0, None), said.decode()
    assert b"FRAUD_REDIS__URL names a Redis Cluster" in said
    assert b"Traceback" not in said, said.decode()


async def test_a_single_server_and_none_are_not_refused(two_servers):
    await asyncio.to_thread(refuse_cluster, two_servers[0].url)
    await asyncio.to_thread(refuse_cluster, f"redis://127.0.0.1:{ports.any_free()}/0")
    await asyncio.to_thread(refuse_cluster, f"redis://:wrong@127.0.0.1:{two_servers[0].port}/0")
