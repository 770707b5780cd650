"""`/ws`: the live feed over WebSocket. Every worker reads the same Redis Stream, and each client
has a bounded queue: a slow client must never delay another one or use more and more memory.

Frames: first `hello`; then `batch`, at most four in a second, and `gap` when events were skipped.
There is no frame for statistics; they are read from the REST API.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import orjson
from aiohttp import WSCloseCode, web

from fraud_app import metrics
from fraud_app.app import app
from fraud_app.contracts.scored import read_scored
from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.resources import config, decision_waiters, redis_client
from fraud_app.supervision import supervised
from tables.redis import live_feed
from tables.redis.client import RedisUnavailable
from web.http.body import encoded, query_parameters
from web.http.problem import Problem
from web.schemas.live import LiveQuery

FRAME_S = 0.25
"""Time between two batches: a person cannot follow more than four in a second."""
QUEUE = 1_000
"""Most events that wait for one client; it bounds the memory."""
RESUME = 500
"""Most events that are sent again to a client that comes back; more are read over the REST API."""
SEND_S = 5.0
"""A client that does not take a frame within this time is disconnected."""
RETRY_S = 1.0
LINGER_S = 5.0
"""How long the stream is still read after the last client or request has gone, so that a page that
is reloaded misses nothing.
"""
_OMITTED_FIELDS = ("features", "metadata", "missing")
"""Large fields that the live page does not show."""


class Item(NamedTuple):
    """One event of the feed, encoded once for all clients."""

    cursor: str
    position: tuple[int, int]
    """The cursor as two numbers, which can be compared."""
    key: TransactionKey
    alert: bool
    score: int
    frame: bytes


class Client:
    """The queue of events that one client has not been sent yet. When it is full, the oldest
    approval is dropped; alerts are dropped only when there is nothing else.
    """

    def __init__(self, types: frozenset[str], min_score: int) -> None:
        self._types, self._min_score = types, min_score
        self._newest = (0, 0)
        self._queue: deque[Item] = deque()
        self.dropped = 0

    def begin_after(self, cursor: str) -> None:
        """Skip every event up to this cursor, which the client has already. Raises `ValueError`
        when it is not a cursor.
        """
        self._newest = live_feed.position(cursor)

    def offer(self, item: Item) -> None:
        """Queue the item if it is newer than the last one and passes the client's filter."""
        if item.position <= self._newest:
            return
        self._newest = item.position
        type_matches = "scored" in self._types or ("alert" in self._types and item.alert)
        if not type_matches or item.score < self._min_score:
            return
        if len(self._queue) >= QUEUE:
            oldest_approval = next(
                (index for index, queued in enumerate(self._queue) if not queued.alert), 0
            )
            del self._queue[oldest_approval]
            self.dropped += 1
            metrics.WS_DROPPED.inc()
        self._queue.append(item)

    def take(self) -> tuple[list[Item], int]:
        """All queued items, and the number of items dropped since the last call."""
        items, dropped = list(self._queue), self.dropped
        self._queue.clear()
        self.dropped = 0
        return items, dropped


_clients: dict[Client, web.WebSocketResponse] = {}


def item_of(entry: live_feed.Entry) -> Item:
    """The item of an entry of the stream, without the large fields."""
    cursor, message = entry
    scored = read_scored(message)
    for name in _OMITTED_FIELDS:
        scored.pop(name, None)
    alert = scored["decision"] != "approve"
    event = {"id": cursor, "event": "alert" if alert else "scored", "data": scored}
    return Item(
        cursor,
        live_feed.position(cursor),
        TransactionKey(str(scored["user_id"]), str(scored["transaction_id"])),
        alert,
        scored["risk_score"],
        encoded(event),
    )


def _items_of(entries: Iterable[live_feed.Entry]) -> Iterator[tuple[Item, bytes]]:
    """The items of entries and their messages. What is no scored message is left out and counted,
    whoever wrote it.
    """
    for entry in entries:
        try:
            yield item_of(entry), entry[1]
        except (AttributeError, KeyError, TypeError, ValueError):
            metrics.WS_UNREADABLE.inc()


@partial(supervised, app)
async def follow() -> None:
    """Read the stream and pass its entries to the clients and to the requests that wait for a
    decision. While there are none, nothing is read.
    """
    cursor: str | None = None
    last_needed = 0.0
    while not app.should_stop:
        if _clients or decision_waiters:
            last_needed = time.monotonic()
        elif time.monotonic() - last_needed > LINGER_S:
            cursor = None
            decision_waiters.needed.clear()
            await decision_waiters.needed.wait()
        try:
            if cursor is None:
                cursor = await live_feed.cursor_a_second_ago(redis_client)
            entries = await live_feed.after(redis_client, cursor)
        except RedisUnavailable:
            await asyncio.sleep(RETRY_S)
            continue
        if entries:
            cursor = entries[-1][0]
            if _clients or decision_waiters:
                for item, message in _items_of(entries):
                    for client in _clients:
                        client.offer(item)
                    decision_waiters.resolve(item.key, message)


async def live(request: web.Request) -> web.WebSocketResponse:
    """Open the feed. `since` goes on after a break; `types` and `min_score` filter."""
    if len(_clients) >= config.web.ws_clients:
        raise Problem(
            503,
            "too_many_clients",
            f"this worker serves {config.web.ws_clients} live clients already",
            headers={"Retry-After": "10"},
        )
    client, since = _client_of(request)
    socket = web.WebSocketResponse(heartbeat=20, max_msg_size=4096, compress=False)
    await socket.prepare(request)
    _clients[client] = socket
    decision_waiters.needed.set()
    metrics.WS_CLIENTS.set(len(_clients))
    sender = asyncio.create_task(_send(socket, client, since))
    try:
        async for _ in socket:
            pass  # messages of a client are ignored
    finally:
        sender.cancel()
        _clients.pop(client, None)
        metrics.WS_CLIENTS.set(len(_clients))
    return socket


async def close_all(_: Any) -> None:
    """Close every socket at shutdown, with the code that tells clients to connect again."""
    for socket in list(_clients.values()):
        await socket.close(code=WSCloseCode.SERVICE_RESTART, message=b"restart")


async def _send(socket: web.WebSocketResponse, client: Client, since: str | None) -> None:
    try:
        await _send_frame(
            socket,
            orjson.dumps(
                {"type": "hello", "version": 1, "server_id": config.worker_id, "resume_from": since}
            ),
        )
        if since:
            await _catch_up(socket, client, since)
        while not socket.closed:
            items, dropped = client.take()
            if dropped:
                await _send_frame(socket, orjson.dumps({"type": "gap", "dropped": dropped}))
            if items:
                await _send_frame(socket, _batch(items))
            await asyncio.sleep(FRAME_S)
    except TimeoutError:
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow")
    except ConnectionError:
        pass


async def _catch_up(socket: web.WebSocketResponse, client: Client, since: str) -> None:
    """Queue the entries after `since`; a `gap` says that some are no longer in the stream."""
    try:
        entries, lost = await live_feed.since(redis_client, since, RESUME)
    except RedisUnavailable:
        entries, lost = [], True
    if lost:
        await _send_frame(socket, orjson.dumps({"type": "gap", "dropped": None}))
    queued_meanwhile, _ = client.take()
    client.begin_after(since)
    for item in (*(item for item, _ in _items_of(entries)), *queued_meanwhile):
        client.offer(item)


async def _send_frame(socket: web.WebSocketResponse, frame: bytes) -> None:
    await asyncio.wait_for(socket.send_str(frame.decode()), SEND_S)


def _batch(items: list[Item]) -> bytes:
    return b'{"type":"batch","items":[' + b",".join(item.frame for item in items) + b"]}"


def _client_of(request: web.Request) -> tuple[Client, str | None]:
    """A client with the filter of the query string, and its cursor. Raises `Problem` 422."""
    parameters = query_parameters(LiveQuery, request)
    types = frozenset(filter(None, parameters.types.split(",")))
    return Client(types, parameters.min_score), parameters.since or None
