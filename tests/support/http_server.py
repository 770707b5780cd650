"""The HTTP server of a worker without the worker: middleware, limits and a few routes, in the
test's own process. And raw bytes to it, since a client library would refuse to send what is wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from fraud_app import metrics
from fraud_app.settings import Settings
from web.http.application import application_options
from web.http.body import answer, expectation, json_object
from web.http.server import Runner

ANSWER_S = 10.0
KEYS = {"mode": "keys", "key_hashes": [f"ann={hashlib.sha256(b'k').hexdigest()}"]}
HELLO = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class RawAnswer(NamedTuple):
    """What came back until the server closed the connection; status 0: nothing."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Any:
        """The problem, checked to be one."""
        assert self.headers.get("content-type") == "application/problem+json", self
        value = orjson.loads(self.body)
        assert value["status"] == self.status
        return value


async def echo(request: web.Request) -> web.Response:
    """The JSON object that was posted."""
    return answer(await json_object(request, 65_536))


async def hello(request: web.Request) -> web.Response:
    return answer({"hello": request["analyst"]})


async def long_page(request: web.Request) -> web.Response:
    return web.Response(body=bytes(50_000_000), content_type="application/octet-stream")


async def socket(request: web.Request) -> web.WebSocketResponse:
    """Sends back what it gets."""
    opened = web.WebSocketResponse(compress=False)
    await opened.prepare(request)
    async for message in opened:
        await opened.send_str(message.data)
    return opened


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[int]:
    """The port of a server with these settings of `web` (`auth=…` for that part)."""
    auth = settings.pop("auth", {})
    read = Settings(_env_file=None, web=settings, auth=auth)  # type: ignore[call-arg]
    application = web.Application(**application_options(read))
    application.router.add_post("/echo", echo, expect_handler=expectation)
    application.router.add_get("/hello", hello, expect_handler=expectation)
    application.router.add_get("/long", long_page)
    application.router.add_get("/ws", socket)
    runner = Runner(application, read)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield site.port
    finally:
        await runner.cleanup()


async def send_raw(port: int, sent: bytes, host: str = "127.0.0.1") -> RawAnswer:
    """Send bytes over a connection of their own and read until the server closes it."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(sent)
        async with asyncio.timeout(ANSWER_S):
            return parsed(await read_all(reader))
    finally:
        writer.close()


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Everything until the end, or until the connection is reset."""
    received = b""
    try:
        while chunk := await reader.read(65_536):
            received += chunk
    except ConnectionError:
        pass
    return received


def parsed(received: bytes) -> RawAnswer:
    """The last response of a connection."""
    if not received:
        return RawAnswer(0, {}, b"")
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    status = int(status_line.split(" ")[1])
    if status == 100:
        return parsed(body)
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return RawAnswer(status, headers, body)


def counted(metric: Any, *labels: str) -> float:
    """The value of a counter."""
    return metric.labels(*labels)._value.get()


def server_errors() -> float:
    """How many requests the metric counts as failed by us."""
    return sum(
        sample.value
        for metric in metrics.HTTP_SECONDS.collect()
        for sample in metric.samples
        if sample.name.endswith("_count") and sample.labels["status"].startswith("5")
    )


async def opened(port: int, sent: bytes = b"") -> Connection:
    """A connection over which this was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    return reader, writer


async def time_until_closed(reader: asyncio.StreamReader) -> float:
    """Seconds until the server ends the connection."""
    began = time.monotonic()
    async with asyncio.timeout(10):
        await read_all(reader)
    return time.monotonic() - began


def counted_requests(*labels: str) -> float:
    """How many requests of this method and route were answered with this status."""
    return sum(
        sample.value
        for metric in metrics.HTTP_SECONDS.collect()
        for sample in metric.samples
        if sample.name.endswith("_count") and tuple(sample.labels.values()) == labels
    )


def async_value(function: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    """For `until`."""

    async def ask() -> Any:
        return function()

    return ask
