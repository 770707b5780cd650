"""Headers that say who asks, from where, and of whom: broken ones are the client's fault."""

import pytest

from tests.support.http_server import CLOSE, HELLO, KEYS, POST, send_raw, served, server_errors


@pytest.mark.parametrize("auth", [{}, KEYS], ids=["off", "keys"])
@pytest.mark.parametrize(
    ("header", "statuses"),
    [
        (b"Host: [::1", {400}),
        (b"Host: localhost:port", {400}),
        (b"Host: a b", {400}),
        (b"Host: \xff\xfe", {400}),
        (b"Host:", {400}),
        (b"Host: evil@localhost", {400}),
        (b"Host: localhost/../", {400}),
        (b"Host: localhost\r\nOrigin: http://[", {401, 403}),
        (b"Host: localhost\r\nOrigin: \xff\xfe", {401, 403}),
        (b"Host: localhost\r\nOrigin: null", {401, 403}),
        (b"Host: localhost\r\nOrigin: " + b"x" * 8_000, {401, 403}),
        (b"Host: localhost\r\nAuthorization: Bearer \xff\xfe", {200, 401}),
        (b"Host: localhost\r\nAuthorization: Basic \xff\xfe", {200, 401}),
        (b"Host: localhost\r\nAuthorization: Basic Ojo6/w==", {200, 401}),
        (b"Host: localhost\r\nAuthorization: Basic =", {200, 401}),
        (b"Host: localhost\r\nAuthorization:", {200, 401}),
        (b'Host: localhost\r\nAuthorization: Digest username="a"', {200, 401}),
        (b"Host: localhost\r\nX-Request-Id: \xff", {200, 401}),
        (b"Host: localhost\r\nX-Analyst: \xff<script>", {200, 401}),
        (b"Host: localhost\r\nRange: bytes=-1-0", {200, 401}),
        (b"Host: localhost\r\nAccept-Encoding: \xff", {200, 401}),
        (b"Host: localhost\r\nIf-Modified-Since: yesterday", {200, 401}),
    ],
    ids=lambda value: repr(value[:50]) if isinstance(value, bytes) else None,
)
async def test_a_broken_header_is_the_clients_fault(header, statuses, auth):
    errors = server_errors()
    async with served(auth=auth) as port:
        head = POST.replace(b"Host: localhost", header) + CLOSE
        answer = await send_raw(port, head + b"Content-Length: 2\r\n\r\n{}")
    assert answer.status in statuses
    if answer.status != 200:
        assert answer.problem["code"] in {
            "malformed_request",
            "key_needed",
            "origin_refused",
            "host_refused",
        }
    assert server_errors() == errors


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"localhost", 200),
        (b"LocalHost:6066", 200),
        (b"localhost.", 200),
        (b"127.0.0.2:1", 200),
        (b"[::1]:6066", 200),
        (b"[::1]", 200),
        (b"evil.example", 403),
        (b"localhost.evil.example", 403),
        (b"127.0.0.1.nip.io", 403),
        (b"[2001:db8::1]", 403),
        (b"0.0.0.0", 403),
    ],
)
async def test_without_keys_only_loopback_names_are_answered(host, status):
    async with served() as port:
        answer = await send_raw(port, HELLO.replace(b"localhost", host))
    assert answer.status == status


async def test_an_old_program_without_a_host_is_answered():
    async with served() as port:
        assert (await send_raw(port, b"GET /hello HTTP/1.0\r\n\r\n")).status == 200
