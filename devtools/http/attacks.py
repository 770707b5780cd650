"""Clients that an HTTP server must bear, each in a process of its own until it is stopped:

    python -m devtools.http.attacks NAME PORT [KEY]

For servers on this machine that you started yourself, and no others.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

HOST = "127.0.0.1"
SOCKETS = 200
BOMB_BYTES = 1_000_000_000
BEGUN = "the attack has begun"
STEP_S = 0.5
"""Between two bytes of a slow client."""


class Target(NamedTuple):
    port: int
    key: str


Attack = Callable[[Target], Awaitable[None]]


def _head(target: Target, *lines: str, key: bool = False) -> bytes:
    """The head of a POST of a transaction, without the empty line that ends it."""
    return "\r\n".join(
        (
            "POST /api/transactions HTTP/1.1",
            f"Host: {HOST}:{target.port}",
            "Content-Type: application/json",
            *([f"Authorization: Bearer {target.key}"] if key else []),
            *lines,
            "",
        )
    ).encode()


async def _hold(target: Target, pieces: Callable[[], AsyncIterator[bytes]]) -> None:
    """Send the pieces over one connection, and over another one when it was ended."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, target.port)
            try:
                async for piece in pieces():
                    writer.write(piece)
                    await writer.drain()
                await reader.read()
            finally:
                writer.close()
        await asyncio.sleep(0.1)


async def _many(target: Target, count: int, pieces: Callable[[], AsyncIterator[bytes]]) -> None:
    _say_begun()
    await asyncio.gather(*(_hold(target, pieces) for _ in range(count)))


def _say_begun() -> None:
    """What is sent has been made: whoever measures may begin."""
    print(BEGUN, flush=True)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _slowly(head: bytes, piece: bytes) -> AsyncIterator[bytes]:
    yield head
    while True:
        await asyncio.sleep(STEP_S)
        yield piece


async def _endlessly(head: bytes, piece: bytes) -> AsyncIterator[bytes]:
    yield head
    while True:
        yield piece


async def _repeat(target: Target, data: bytes, per_second: float) -> None:
    """Send the same request again and again, each over a connection of its own."""

    async def send() -> None:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, target.port)
            try:
                writer.write(data)
                await reader.read()
            finally:
                writer.close()

    _say_begun()
    async with asyncio.TaskGroup() as sending:
        while True:
            sending.create_task(send())
            await asyncio.sleep(1 / per_second)


async def gzip_bombs(target: Target) -> None:
    """1 MB that is 1 GB unpacked, without a key, once a second"""
    bomb = gzip.compress(bytes(BOMB_BYTES))
    head = _head(target, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
    await _repeat(target, head + b"\r\n" + bomb, 1)


async def half_open_sockets(target: Target) -> None:
    """200 connections that send nothing"""
    await _many(target, SOCKETS, lambda: _once(b""))


async def slow_headers(target: Target) -> None:
    """200 connections with one header line every half second"""
    await _many(target, SOCKETS, lambda: _slowly(_head(target), b"X: 1\r\n"))


async def slow_bodies(target: Target) -> None:
    """200 connections, with a key, with one byte of body every half second"""
    head = _head(target, "Content-Length: 1000", key=True) + b"\r\n"
    await _many(target, SOCKETS, lambda: _slowly(head, b" "))


async def many_headers(target: Target) -> None:
    """10,000 headers, 10 times a second"""
    await _repeat(target, _head(target) + b"X: 1\r\n" * 10_000 + b"\r\n", 10)


async def huge_header(target: Target) -> None:
    """one header of 10 MB, 10 times a second"""
    await _repeat(target, _head(target) + b"X: " + b"a" * 10_000_000 + b"\r\n\r\n", 10)


async def endless_bodies(target: Target) -> None:
    """20 connections, without a key, whose bodies never end"""
    head = _head(target, "Content-Length: 999999999999") + b"\r\n"
    await _many(target, 20, lambda: _endlessly(head, bytes(65_536)))


async def new_connections(target: Target) -> None:
    """100 new connections a second that are closed without a request"""
    _say_begun()
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, target.port)
            writer.close()
        await asyncio.sleep(0.01)


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        gzip_bombs,
        half_open_sockets,
        slow_headers,
        slow_bodies,
        many_headers,
        huge_header,
        endless_bodies,
        new_connections,
    )
}


if __name__ == "__main__":
    name, port, key = (*sys.argv[1:], "")[:3]
    with suppress(KeyboardInterrupt):
        asyncio.run(ATTACKS[name](Target(int(port), key)))  # type: ignore[arg-type]
