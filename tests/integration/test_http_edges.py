"""A worker's HTTP server at its edges: broken requests, hostile clients, other origins. What needs
no worker behind the server is in `tests/unit/web/http/test_server.py`.
"""

import asyncio
import gzip
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from tests.conftest import KEY
from tests.support.api_client import ApiClient, until
from tests.support.builders import fresh
from tests.support.http_server import read_all, send_raw
from tests.support.metrics import sample, server_errors
from web.http.cors import METHODS

LAST_ID = f"{2**64 - 1}-{2**64 - 1}"
BOMB_BYTES = 1_000_000_000


def port_of(address):
    return urlsplit(address).port


@pytest.fixture
def port(running):
    return port_of(running.addresses[0])


@pytest.mark.parametrize(
    "query",
    [
        f"since={LAST_ID}",
        f"since={2**64}-0",
        "since=-1-0",
        "since=1-2-3",
        "since=%D9%A1-0",
        "since=1_0-0",
        "since=%2B",
        "since=$",
        "since=9" * 5_000,
        "types=scored,",
        "min_score=99999999999999999999",
        "min_score=-1",
    ],
    ids=lambda query: query[:40],
)
async def test_a_bad_query_of_the_live_feed_is_refused_and_redis_stays(api, query):
    answer = await api.get(f"/ws?{query}", headers={"Upgrade": "websocket"})
    assert answer.status in (414, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await api.get("/health")).body["checks"]["redis"]["status"] == "ok"


async def test_cursors_without_an_end_do_not_mark_redis_as_away(api):
    for cursor in ("0-0", f"{2**64 - 2}-{2**64 - 2}", f"0-{2**64 - 2}", "1"):
        async with api.session.ws_connect(f"/ws?since={cursor}") as socket:
            assert (await socket.receive_json(timeout=10))["type"] == "hello"
    assert (await api.decided(fresh()))["degraded"] == []
    assert (await api.get("/health")).body["checks"]["redis"]["status"] == "ok"


@pytest.mark.parametrize("path", ["/", "/health", "/api/transactions", "/ws", "/docs", "/nothing"])
@pytest.mark.parametrize(
    "header",
    [
        b"Host: [",
        b"Host: localhost\r\nOrigin: http://[::1",
        b"Host: localhost\r\nOrigin: \xff",
        b"Host: localhost\r\nAuthorization: Basic \xff",
        b"Host: localhost\r\nContent-Encoding: gzip",
        b"Host: localhost\r\nExpect: nothing-good",
        b"Host: localhost\r\nRange: bytes=9-1",
        b"Host: localhost\r\nIf-Match: x",
        b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \xff",
        b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 0",
    ],
    ids=lambda header: repr(header[:60]),
)
async def test_no_header_makes_a_route_fail(api, port, header, path):
    errors = await server_errors(api)
    sent = b"GET %s HTTP/1.1\r\nConnection: close\r\n%s\r\n\r\n" % (path.encode(), header)
    if b"Connection: Upgrade" in header:
        sent = sent.replace(b"Connection: close\r\n", b"")
        sent += b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await send_raw(port, sent)
    assert answer.status < 500
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    assert await server_errors(api) == errors


async def test_files_are_sent_whole_whatever_range_is_asked_for(api):
    icon = await api.get("/favicon.ico")
    for headers in ({"Range": "bytes=9-1"}, {"Range": "bytes=0-3"}, {"If-Match": '"x"'}):
        answer = await api.get("/favicon.ico", headers=headers)
        assert (answer.status, answer.body) == (200, icon.body)


async def test_a_packed_transaction_is_decided(api):
    sent = fresh()
    for encoding, packed in (("gzip", gzip.compress(orjson.dumps(sent))),):
        headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
        answer = await api.send("POST", "/api/transactions", data=packed, headers=headers)
        assert (answer.status, answer.body["transaction_id"]) == (202, sent["transaction_id"])


async def test_uploads_that_are_aborted_are_no_errors_of_ours(api, port):
    errors = await server_errors(api)

    async def aborted():
        return await sample(
            api,
            "fraud_http_request_duration_seconds_count",
            method="POST",
            route="/api/transactions",
            status="400",
        )

    before = await aborted()
    head = (
        b"POST /api/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n{"
    )
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        await writer.drain()
        await asyncio.sleep(0.05)  # until its headers were read: only then it is a request
        writer.transport.abort()
    await until(aborted, lambda count: count == before + 5)
    assert await server_errors(api) == errors


@asynccontextmanager
async def half_open(port, count, sent=b"POST /api/transactions HTTP/1.1\r\nHost: loc"):
    """So many connections that never finish their request."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        for _, writer in opened:
            writer.write(sent)
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


async def test_two_hundred_half_open_sockets_end_in_seconds_and_hold_up_nobody(api, port):
    async with half_open(port, 200) as readers, api.session.ws_connect("/ws") as socket:
        await socket.receive_json(timeout=10)
        scored = [await api.decided(fresh()) for _ in range(20)]
        assert all(one["degraded"] == [] for one in scored)
        async with asyncio.timeout(20):
            ended = await asyncio.gather(*(read_all(reader) for reader in readers))
        assert set(ended) == {b""}
        assert not socket.closed
        await api.decided(fresh())
        assert (await socket.receive_json(timeout=20))["type"] == "batch"
    names = "fraud_http_connections_ended_total"
    assert await sample(api, names, reason="receiving_too_long") >= 200


async def test_bombs_without_a_key_cost_nothing(guarded_address):
    bomb = gzip.compress(bytes(BOMB_BYTES // 20)) * 20  # twenty members: the same when unpacked
    head = (
        b"POST /api/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    )
    port = port_of(guarded_address)
    async with aiohttp.ClientSession(
        guarded_address, headers={"Authorization": f"Bearer {KEY}"}
    ) as session:
        guarded = ApiClient(session)
        bombs = asyncio.gather(*(send_raw(port, head + bomb) for _ in range(5)))
        scored = [await guarded.decided(fresh()) for _ in range(20)]
        assert {answer.status for answer in await bombs} <= {0, 401}  # 0: cut off while sending
    assert all(one["degraded"] == [] for one in scored)


async def test_a_preflight_is_answered_for_allowed_origins_only(api, guarded_address):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with aiohttp.ClientSession(guarded_address) as session:
        for client in (api, ApiClient(session)):
            answer = await client.send("OPTIONS", "/api/transactions", headers=asked)
            assert (answer.status, answer.body["code"]) == (403, "origin_refused")
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_preflight_names_every_method_that_there_is(api):
    document = (await api.get("/openapi.json")).body
    used = {method.upper() for path in document["paths"].values() for method in path}
    assert used <= set(METHODS)
