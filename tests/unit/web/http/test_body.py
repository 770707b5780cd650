"""Bodies that are packed, slow, too large, aborted or never end. Over real sockets."""

import asyncio
import gzip
import time
import zlib
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.api_client import until
from tests.support.http_server import (
    CLOSE,
    KEYS,
    POST,
    async_value,
    counted_requests,
    opened,
    parsed,
    read_all,
    send_raw,
    served,
    server_errors,
)
from web.http.body import unpacked
from web.http.problem import Problem


async def test_a_slow_body_is_given_up():
    errors = server_errors()
    async with served(body_timeout_s=0.3) as port:
        answer = await send_raw(port, POST + b"Content-Length: 10\r\n\r\n{")
        assert (answer.status, answer.problem["code"]) == (408, "body_timeout")
        broken_later, writer = await opened(port, POST + b"Transfer-Encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"nonsense\r\n")
        assert parsed(await read_all(broken_later)).problem["status"] in (400, 408)
    assert server_errors() == errors


async def test_an_aborted_upload_is_not_our_error():
    errors = server_errors()
    aborted = ("POST", "/echo", "400")
    async with served() as port:
        before = counted_requests(*aborted)
        for _ in range(3):
            _, writer = await opened(port, POST + b"Content-Length: 10000\r\n\r\n{")
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
        await until(async_value(lambda: counted_requests(*aborted)), lambda now: now == before + 3)
    assert server_errors() == errors


async def test_a_bomb_without_a_key_is_not_unpacked_and_its_answer_arrives():
    bomb = gzip.compress(bytes(200_000_000))
    head = POST + CLOSE + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with served(auth=KEYS) as port:
        used = time.process_time()
        answer = await send_raw(port, head + bomb)
        used = time.process_time() - used
    assert (answer.status, answer.problem["code"]) == (401, "key_needed")
    assert used < 0.1, "unpacking takes half a second"


async def test_a_bomb_with_a_key_is_unpacked_up_to_the_limit_only():
    bomb = gzip.compress(bytes(50_000_000))
    head = POST + CLOSE + b"Authorization: Bearer k\r\nContent-Encoding: gzip\r\n"
    async with served(auth=KEYS) as port:
        answer = await send_raw(port, head + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb)
        assert (answer.status, answer.problem["code"]) == (413, "body_too_large")
        packed = gzip.compress(b'{"a":1}')
        answer = await send_raw(port, head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)
        assert (answer.status, answer.body) == (200, b'{"a":1}')


async def test_the_body_is_invited_only_after_the_key():
    head = POST + CLOSE + b"Expect: 100-continue\r\nContent-Length: 2\r\n"
    async with served(auth=KEYS) as port:
        reader, _ = await opened(port, head + b"\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
        reader, writer = await opened(port, head + b"Authorization: Bearer k\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"{}")
        assert parsed(await read_all(reader)).status == 200


async def test_a_body_that_is_too_large_is_answered_although_the_client_still_sends():
    async with served() as port, aiohttp.ClientSession() as session:
        for size in (70_000, 200_000):
            async with session.post(
                f"http://localhost:{port}/echo",
                data=b"x" * size,
                headers={"Content-Type": "application/json"},
            ) as answer:
                assert answer.status == 413


async def test_a_client_that_sends_without_end_is_cut_off():
    async with served(auth=KEYS) as port:
        reader, writer = await opened(port, POST + b"Content-Length: 999999999999\r\n\r\n")

        async def flood():
            while True:
                writer.write(bytes(1_000_000))
                await writer.drain()

        with pytest.raises(ConnectionError):
            async with asyncio.timeout(10):
                await flood()
        assert parsed(await read_all(reader)).status in (0, 401)


def bare_deflate(value):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(value) + packer.flush()


PACKED: dict[str, Any] = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize(("encoding", "pack"), [*PACKED.items(), ("deflate", bare_deflate)])
@given(value=st.binary(max_size=200))
def test_a_packed_body_is_unpacked_up_to_the_limit(encoding, pack, value):
    assert unpacked(pack(value), encoding, len(value)) == value
    if value:
        with pytest.raises(Problem) as refused:
            unpacked(pack(value), encoding, len(value) - 1)
        assert refused.value.status == 413


@pytest.mark.parametrize("encoding", PACKED)
@given(value=st.binary(max_size=200), cut=st.integers(1, 8), more=st.binary(min_size=1, max_size=9))
def test_a_body_that_is_cut_off_or_goes_on_is_refused(encoding, value, cut, more):
    packed = PACKED[encoding](value)
    for broken in (packed[:-cut], packed + more):
        with pytest.raises(Problem) as refused:
            unpacked(broken, encoding, 1_000)
        assert refused.value.status == 400


@given(value=st.binary(max_size=300), encoding=st.sampled_from(["gzip", "deflate"]))
def test_anything_may_come_as_a_packed_body(value, encoding):
    with suppress(Problem):
        assert len(unpacked(value, encoding, 50)) <= 50
