"""What a browser asks for a page of another origin."""

from tests.support.http_server import CLOSE, KEYS, POST, send_raw, served


async def test_a_preflight_of_an_allowed_origin_is_answered_without_a_key():
    shop = b"https://shop.example"
    ask = (
        b"OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Access-Control-Request-Method: POST\r\nOrigin: "
    )
    for auth in ({}, KEYS):
        async with served(auth=auth, allowed_origins=[shop.decode()]) as port:
            answer = await send_raw(port, ask + shop + b"\r\n\r\n")
            assert (answer.status, answer.body) == (204, b"")
            assert answer.headers["access-control-allow-origin"] == shop.decode()
            assert answer.headers["vary"] == "origin"
            assert "authorization" in answer.headers["access-control-allow-headers"]
            assert "post" in answer.headers["access-control-allow-methods"]
            refused = await send_raw(port, ask + b"https://evil.example\r\n\r\n")
            assert (refused.status, refused.problem["code"]) == (403, "origin_refused")
            assert "access-control-allow-origin" not in refused.headers
            # Errors can be read by the page, too.
            sent = await send_raw(port, POST + CLOSE + b"Origin: " + shop + b"\r\n\r\n")
            assert sent.status in (400, 401)
            assert sent.headers["access-control-allow-origin"] == shop.decode()
