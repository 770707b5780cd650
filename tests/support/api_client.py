"""Requests and conditions for tests: wait for what must become true, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp

TIMEOUT_S = 20.0


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any


class ApiClient:
    """A worker's API."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def get(self, path: str, **options: Any) -> Answer:
        async with self.session.get(path, **options) as answer:
            return Answer(answer.status, await _body(answer), answer.headers)

    async def post(self, path: str, value: Any, **options: Any) -> Answer:
        async with self.session.post(path, json=value, **options) as answer:
            return Answer(answer.status, await _body(answer), answer.headers)

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, path, **options) as answer:
            return Answer(answer.status, await _body(answer), answer.headers)

    async def decided(self, transaction: dict[str, Any]) -> dict[str, Any]:
        """Submit a transaction and wait for its decision."""
        answer = await self.post("/api/transactions?wait=8000", transaction)
        assert answer.status == 200, answer
        body: dict[str, Any] = answer.body
        return body


async def until(
    ask: Callable[[], Awaitable[Any]],
    true: Callable[[Any], bool] = bool,
    seconds: float = TIMEOUT_S,
) -> Any:
    """Ask until the answer is right; fail with the last answer when it never is."""
    deadline = time.monotonic() + seconds
    while not true(answer := await ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        await asyncio.sleep(0.05)
    return answer


async def _body(answer: aiohttp.ClientResponse) -> Any:
    return (
        await answer.json(content_type=None)
        if "json" in answer.content_type
        else await answer.text()
    )
