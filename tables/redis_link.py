"""One connection pool to Redis with a deadline on every call, and a breaker so that an outage costs nothing.

Redis is a cache and a shared memory. Whoever calls this must be able to go on without an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any

import redis.asyncio as redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

BREAK_AFTER = 3
"""Failures in a row before calls are refused without trying."""
RETRY_S = 1.0


class RedisAway(Exception):
    """No answer within the deadline, or the breaker is open."""


class RedisLink:
    """`call` with a deadline; `up` tells whether the last calls were answered."""

    def __init__(self, url: str) -> None:
        self.client = redis.from_url(url, socket_connect_timeout=1.0, socket_timeout=5.0, health_check_interval=0)
        self._failures = 0
        self._retry_at = 0.0
        self.last_error = ""

    @property
    def up(self) -> bool:
        return self._failures < BREAK_AFTER

    async def call(self, awaitable: Awaitable[Any], deadline_s: float) -> Any:
        """The answer. Raises `RedisAway` after the deadline, on an error, or at once while the breaker is open."""
        if not self.up:
            if time.monotonic() < self._retry_at:
                if asyncio.iscoroutine(awaitable):
                    awaitable.close()
                raise RedisAway(self.last_error)
            self._retry_at = time.monotonic() + RETRY_S
        try:
            async with asyncio.timeout(deadline_s):
                answer = await awaitable
        except (TimeoutError, RedisError, OSError) as error:
            self._failures += 1
            self.last_error = f"{type(error).__name__}: {error}"
            if self._failures == BREAK_AFTER:
                self._retry_at = time.monotonic() + RETRY_S
                log.warning("redis_away", extra={"error": self.last_error})
            raise RedisAway(self.last_error) from error
        if not self.up:
            log.info("redis_back")
        self._failures = 0
        return answer

    async def close(self) -> None:
        await self.client.aclose()
