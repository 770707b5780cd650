"""The HTTP server under clients that are broken, slow or hostile. Over real sockets, without a
worker behind it.
"""

import asyncio
import gc
import re
from contextlib import AsyncExitStack, closing

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_app import metrics
from tests.support.api_client import until
from tests.support.http_server import (
    CLOSE,
    HELLO,
    KEYS,
    POST,
    async_value,
    counted,
    opened,
    read_all,
    send_raw,
    served,
    server_errors,
    time_until_closed,
)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /hello HTTP/2.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
        (b"GET /hello\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nHost: localhost\r\nx\x00y: 1\r\n\r\n", 400),
        (b"GET http://[::1/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /nothing/%FF%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"TRACE /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nx: " + b"a" * 90_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"x: 1\r\n" * 10_000 + b"\r\n", 431),
        (HELLO[:-2] + b"Expect: the-unexpected\r\n\r\n", 417),
        (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
        (POST + b"Content-Length: 999999999999999999\r\n\r\n", 413),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\nabc", 400),
        (POST + CLOSE + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", 415),
        (POST + CLOSE + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400),
        (POST + CLOSE + b"Content-Type: \xff\r\nContent-Length: 2\r\n\r\n{}", 400),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else None,
)
async def test_what_is_no_good_http_is_answered_with_a_problem(sent, status):
    errors = server_errors()
    async with served() as port:
        answer = await send_raw(port, sent)
        assert (answer.status, answer.problem["status"]) == (status, status)
        assert answer.headers["x-request-id"] == answer.problem["request_id"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await send_raw(port, HELLO)).status == 200
    assert server_errors() == errors


async def test_a_socket_without_a_whole_request_is_ended_in_time():
    ended = counted(metrics.HTTP_CONNECTIONS_ENDED, "receiving_too_long")
    async with served(header_timeout_s=1) as port:
        silent, _ = await opened(port)
        slow, _ = await opened(port, HELLO[:20])
        kept, writer = await opened(port, HELLO.replace(b"close", b"keep-alive"))
        await kept.readuntil(b"}")
        writer.write(HELLO[:20])
        times = await asyncio.gather(*(time_until_closed(one) for one in (silent, slow, kept)))
    assert max(times) < 3.5
    assert counted(metrics.HTTP_CONNECTIONS_ENDED, "receiving_too_long") == ended + 3


async def test_headers_that_trickle_in_do_not_win_time():
    async with served(header_timeout_s=1) as port:
        reader, writer = await opened(port, HELLO[:-2])

        async def trickle():
            while True:
                writer.write(b"x: 1\r\n")
                await asyncio.sleep(0.1)

        trickling = asyncio.create_task(trickle())
        try:
            assert await time_until_closed(reader) < 3.5
        finally:
            trickling.cancel()


async def test_a_connection_is_kept_for_the_next_request_and_ended_when_none_comes():
    async with served(header_timeout_s=60, keepalive_timeout_s=1) as port:
        reader, writer = await opened(port)
        for _ in range(3):
            writer.write(HELLO.replace(b"close", b"keep-alive"))
            await reader.readuntil(b"}")
        assert await time_until_closed(reader) < 3.5


async def test_a_websocket_outlives_all_time_limits():
    limits = {"header_timeout_s": 0.3, "keepalive_timeout_s": 0.3, "body_timeout_s": 0.3}
    async with (
        served(**limits, request_timeout_s=0.3) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://localhost:{port}/ws") as socket,
    ):
        silent, _ = await opened(port)
        await time_until_closed(silent)  # the limits are in force
        silent, _ = await opened(port)
        await time_until_closed(silent)
        await socket.send_str("still here?")
        assert await socket.receive_str(timeout=5) == "still here?"


async def test_a_client_that_never_reads_is_cut_off(monkeypatch):
    monkeypatch.setattr("web.http.connections.SEND_S", 0.5)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(HELLO.replace(b"/hello", b"/long"))
        ended = counted(metrics.HTTP_CONNECTIONS_ENDED, "sending_too_long")
        await until(
            async_value(lambda: counted(metrics.HTTP_CONNECTIONS_ENDED, "sending_too_long")),
            lambda now: now == ended + 1,
            10,
        )
        assert len(await read_all(reader)) < 50_000_000


async def test_many_half_open_sockets_keep_nobody_out():
    async with served(connections=30, connections_per_address=20) as port:
        half_open = [await opened(port, b"GET /hel") for _ in range(50)]
        assert (await send_raw(port, HELLO)).status == 200
        await time_until_closed(half_open[0][0])
        assert metrics.HTTP_CONNECTIONS._value.get() <= 20
        for _, writer in half_open:
            writer.close()


async def test_a_connection_beyond_the_cap_is_refused_while_all_others_are_served():
    async with served(connections=3) as port, aiohttp.ClientSession() as session:
        address = f"http://localhost:{port}"
        async with AsyncExitStack() as stack:
            sockets = [
                await stack.enter_async_context(session.ws_connect(f"{address}/ws"))
                for _ in range(3)
            ]
            answer = await send_raw(port, b"")
            assert answer.problem["code"] == "too_many_connections"
            await sockets[0].close()
            await until(async_value(metrics.HTTP_CONNECTIONS._value.get), lambda now: now < 3)
            assert (await send_raw(port, HELLO)).status == 200
            await sockets[1].send_str("mine?")
            assert await sockets[1].receive_str() == "mine?"


async def test_pipelined_requests_are_answered_in_order():
    async with served() as port:
        body = POST + b'Content-Length: 7\r\n\r\n{"a":1}'
        reader, writer = await opened(port, body * 100 + HELLO)
        with closing(writer):
            received = await read_all(reader)
    assert received.count(b"HTTP/1.1 200 OK") == 101
    assert received.endswith(b'{"hello":"local"}')


LEFT_BEHIND = {
    "served": POST + CLOSE + b"Authorization: Bearer k\r\nContent-Length: 2\r\n\r\n{}",
    "without a key": POST + b"Content-Length: 1000000\r\n\r\n{",
    "slow": POST + b"Authorization: Bearer k\r\nContent-Length: 10\r\n\r\n{",
    "half open": POST,
    "no HTTP": b"FOO\r\n\r\n",
    "aborted": POST + b"Authorization: Bearer k\r\nContent-Length: 10\r\n\r\n{",
}


@pytest.mark.parametrize("kind", LEFT_BEHIND)
async def test_a_connection_leaves_nothing_to_the_garbage_collector(kind):
    """In a worker it looks at old objects so rarely that they would pile up under an attack; see
    `fraud_app.kafka.application.tune_garbage_collector`.
    """

    async def connect(port):
        reader, writer = await opened(port, LEFT_BEHIND[kind])
        if kind == "aborted":
            await asyncio.sleep(0.1)
            writer.transport.abort()
        else:
            await read_all(reader)
            writer.close()

    async with served(auth=KEYS, header_timeout_s=0.5, body_timeout_s=0.5) as port:
        await connect(port)  # what is made once is made
        gc.collect()
        gc.disable()
        try:
            await asyncio.gather(*(connect(port) for _ in range(30)))
            await until(async_value(metrics.HTTP_CONNECTIONS._value.get), lambda now: now == 0)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            gc.set_debug(0)
            ours = [one for one in gc.garbage if type(one).__name__ == "ServerConnection"]
            assert ours == []
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


VALID = (
    b"POST /echo?a=b HTTP/1.1\r\nHost: localhost:6066\r\nContent-Type: application/json\r\n"
    b"Authorization: Basic YTpi\r\nOrigin: http://localhost:6066\r\nContent-Length: 7\r\n"
    b'Connection: close\r\nContent-Encoding: identity\r\n\r\n{"a":1}'
)
CHANGE = st.tuples(
    st.integers(0, len(VALID)),
    st.integers(0, 12),
    st.one_of(
        st.binary(max_size=6),
        st.sampled_from([b"\r\n", b"\r\n\r\n", b"\x00", b":", b"-1", b"9" * 30, b"%", b"\xff"]),
    ),
)


@given(st.lists(CHANGE, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_request_that_was_changed_anyhow_makes_no_server_error(changes):
    sent = VALID
    for at, removed, put in changes:
        sent = sent[:at] + put + sent[at + removed :]

    async def answered():
        async with served() as port:
            reader, writer = await opened(port, sent)
            writer.write_eof()
            received = await read_all(reader)
            writer.close()
            assert (await send_raw(port, HELLO)).status == 200
            return received

    errors = server_errors()
    received = asyncio.run(answered())
    for line in re.findall(rb"HTTP/\d\.\d (\d{3}) [^\r]*\r\n", received):
        assert int(line) < 500
        if int(line) >= 400:
            assert b"application/problem+json" in received
    assert server_errors() == errors
