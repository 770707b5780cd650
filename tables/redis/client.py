"""A connection pool to Redis with a deadline on every call, and a circuit breaker.

The breaker makes an outage cost nearly nothing. Redis is a cache and a shared memory: every caller
must be able to go on without an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

import hiredis
import redis.asyncio as redis
from redis import Redis
from redis.exceptions import ConnectionError as RedisLost
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError

from fraud_app.errors import FraudError

log = logging.getLogger(__name__)

BREAK_AFTER = 3
"""Failures in a row after which calls are refused without a try."""
RETRY_S, LONGEST_RETRY_S = 0.1, 1.0
"""Time until one call is tried again, doubled each time it fails. Two cores that had no time for
Redis have it again a moment later; a long outage costs one deadline a second.
"""
_CHECK: dict[str, Any] = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0, "retry": None}
CONNECT_S = 5.0
"""Longest time to connect. It may exceed a call's deadline: connecting goes on after the call."""


class RedisUnavailable(FraudError):
    """No answer within the deadline, or the breaker is open."""


class RedisClusterRefused(FraudError):
    """FRAUD_REDIS__URL names a Redis Cluster, whose nodes each have a part of the keys only; name a
    single primary, with replicas if you like.
    """


class RedisClient:
    """Calls Redis with a deadline; `is_up` says whether the last calls were answered."""

    def __init__(self, url: str) -> None:
        self.client = redis.from_url(
            url, socket_connect_timeout=1.0, socket_timeout=5.0, health_check_interval=0
        )
        self._failures = 0
        self._retry_at, self._retry_s = 0.0, RETRY_S
        self.last_error = ""
        self._scripts: list[Script] = []

    @property
    def is_up(self) -> bool:
        """False while the circuit breaker is open."""
        return self._failures < BREAK_AFTER

    async def call(self, awaitable: Awaitable[Any], deadline_s: float) -> Any:
        """The answer of Redis. `deadline_s`: longest wait, in seconds.

        Raises `RedisUnavailable` after the deadline, on an error, or at once while the breaker is
        open.
        """
        if not self.is_up:
            if time.monotonic() < self._retry_at:
                if asyncio.iscoroutine(awaitable):
                    awaitable.close()
                raise RedisUnavailable(self.last_error)
            self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
            self._retry_at = time.monotonic() + self._retry_s
        try:
            async with asyncio.timeout(deadline_s):
                answer = await awaitable
        except Exception as error:  # redis-py has bugs of its own, and none may stop scoring
            self._failures += 1
            self.last_error = f"{type(error).__name__}: {error}"
            if isinstance(error, ReadOnlyError):
                await self._disconnect()
            elif not isinstance(error, TimeoutError | RedisError | OSError):
                log.exception("redis_failed_unexpectedly")
            if self._failures == BREAK_AFTER:
                self._retry_at, self._retry_s = time.monotonic() + RETRY_S, RETRY_S
                log.warning("redis_away", extra={"error": self.last_error})
            raise RedisUnavailable(self.last_error) from error
        if not self.is_up:
            log.info("redis_back")
        self._failures = 0
        return answer

    def script(self, text: str) -> Script:
        """A Lua script with a connection of its own."""
        pool: Any = self.client.connection_pool
        self._scripts.append(Script(pool.make_connection(), text))
        return self._scripts[-1]

    async def _disconnect(self) -> None:
        """Let the next calls connect anew. After a fail-over the old server is a replica, and open
        connections lead to it although the address belongs to the new primary.
        """
        for script in self._scripts:
            await script.disconnect()
        await self.client.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """Close all connections."""
        for script in self._scripts:
            await script.close()
        await self.client.aclose()


def refuse_cluster(url: str) -> None:
    """Raise `RedisClusterRefused` when a node of a cluster answers there. Called at the start.

    The scripts use keys of several users together, which a cluster has on several nodes: each call
    would fail. A server that does not answer, or tells nothing, is not refused.
    """
    with suppress(RedisError, OSError), Redis.from_url(url, **_CHECK) as server:
        told: Any = server.info("cluster")
        if told.get("cluster_enabled"):
            raise RedisClusterRefused


class Script:
    """A Lua script that runs for every batch, over a connection that it keeps open.

    redis-py's way through pool, retries and one timeout for each half of a call takes more of the
    loop's time than Redis takes for the answer. Call it through `RedisClient.call`, which has the
    deadline. The script may run twice when Redis was restarted, so it must be idempotent.
    """

    def __init__(self, connection: Any, text: str) -> None:
        self._connection, self._text = connection, text
        connection.socket_timeout = None  # the deadline is that of `RedisClient.call`
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._one_at_a_time = asyncio.Lock()
        self._connecting: asyncio.Future[None] | None = None

    async def __call__(self, arguments: Sequence[str]) -> Any:
        """The answer of the script. Raises redis-py's errors."""
        async with self._one_at_a_time:
            try:
                return await self._ask("EVALSHA", self._digest, 0, *arguments)
            except (RedisLost, NoScriptError):
                return await self._ask("EVAL", self._text, 0, *arguments)

    async def _connected(self) -> None:
        """Wait for the connection, and start connecting when there is none.

        Connecting goes on when the caller's deadline is over: the next caller finds it done and
        does not start again. It is awaited by everybody, because redis-py reports a connection as
        open before the server has accepted it, and two readers at once are an error.
        """
        if self._connecting is None or (
            self._connecting.done() and not self._connection.is_connected
        ):
            self._connecting = asyncio.ensure_future(self._connect())
            self._connecting.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not self._connecting.done():
            await asyncio.shield(self._connecting)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connection.connect()
        except BaseException:
            await self._connection.disconnect(nowait=True)
            raise

    async def _ask(self, *command: Any) -> Any:
        await self._connected()
        await self._connection.send_packed_command(
            hiredis.pack_command(command), check_health=False
        )
        return await self._connection.read_response()

    async def disconnect(self) -> None:
        """Close the connection, unless a call waits for its answer; the next call connects."""
        if not self._one_at_a_time.locked():
            await self._connection.disconnect(nowait=True)

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        await self._connection.disconnect()
