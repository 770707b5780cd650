"""Requests to a worker's API, and the one way in which a test waits: for a condition that must
become true, never for a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp

TIMEOUT_S = 60.0
"""How long a condition may take. A test that passes never waits for it; it is long because two
cores that are busy with other work make everything many times slower."""


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any


class ApiClient:
    """A worker's API."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.send("GET", path, **options)

    async def post(self, path: str, value: Any, **options: Any) -> Answer:
        return await self.send("POST", path, json=value, **options)

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, path, **options) as response:
            return Answer(response.status, await _body(response), response.headers)

    async def decided(self, transaction: dict[str, Any]) -> dict[str, Any]:
        """Submit a transaction and wait for its decision: in the answer or, when the machine is too
        slow for that, in the history.
        """
        answer = await self.post("/api/transactions?wait=10000", transaction)
        if answer.status == 202:
            answer = await until(
                lambda: self.get(answer.headers["Location"]), lambda stored: stored.status == 200
            )
        assert answer.status == 200, answer
        body: dict[str, Any] = answer.body
        return body


async def until(
    ask: Callable[[], Awaitable[Any]],
    is_right: Callable[[Any], bool] = bool,
    seconds: float = TIMEOUT_S,
) -> Any:
    """Ask until the answer is right, and return it; fail with the last answer when it never is.

    A lost connection and an answer without the expected fields are wrong answers, too: a worker may
    be starting again.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = await ask()
            if is_right(answer):
                return answer
        except (aiohttp.ClientError, KeyError, TypeError) as error:
            answer = error
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        await asyncio.sleep(0.05)


async def _body(response: aiohttp.ClientResponse) -> Any:
    return (
        await response.json(content_type=None)
        if "json" in response.content_type
        else await response.text()
    )
