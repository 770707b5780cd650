"""The HTTP server: aiohttp's, with limits of our own on its connections, and with problem details
for what aiohttp itself refuses. No body may be unpacked here: that is for after the key
(`web.http.body`).
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.http_exceptions import LineTooLong

from fraud_app import metrics
from fraud_app.settings import Settings
from web.http.connections import SWEEP_S, Connection, Connections, Phase, address_of, limits_of
from web.http.headers import complete, give_id
from web.http.problem import Problem, bare_response, response

MAX_LINE, MAX_FIELD = 8_190, 8_192
"""Bytes of a request line, and of a header. Not the same number, because aiohttp says only which
limit was exceeded.
"""
MAX_HEADERS = 128
BUFFER = 65_536
"""Bytes of a body that wait for the handler; with twice as many no more are read."""
MAX_EARLY = 2 * BUFFER + 262_144
"""Bytes that may come before a request is handled: a full buffer, and one read by the loop. What
goes beyond can only be a header without an end. aiohttp has refused it by then, but would examine,
and quote, each further piece at 4 ms of the loop's time.
"""
STOP_S = 10.0
"""Longest time for open requests to end when the worker stops."""
LINGER_S, LINGER_BYTES = 1.0, 262_144
"""How much of an unwanted body is still read, and thrown away, after the answer. Without this a
client that is still sending would be cut off before it has seen the answer.
"""


class Runner(web.AppRunner):
    """Runs an application on our `Server`."""

    def __init__(self, application: web.Application, settings: Settings) -> None:
        super().__init__(application, access_log=None, shutdown_timeout=STOP_S)
        self._settings = settings
        self._sweeper: asyncio.Task[None] | None = None

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        server = Server(plain, self._settings)
        self._sweeper = asyncio.create_task(server.sweep())
        return server

    async def cleanup(self) -> None:
        """Stop serving."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await super().cleanup()


class Server(web.Server):
    """Makes a `ServerConnection` of every connection that is accepted."""

    def __init__(self, plain: web.Server, settings: Settings) -> None:
        """`plain`: aiohttp's own server of the application."""
        self._handle_request = plain.request_handler
        super().__init__(self._handle, request_factory=plain.request_factory)
        self._keepalive_s = settings.web.keepalive_timeout_s
        self.connections_open = Connections(limits_of(settings.web))

    def __call__(self) -> web.RequestHandler:
        return ServerConnection(
            self,
            self.connections_open,
            loop=asyncio.get_running_loop(),
            access_log=cast(Any, None),
            keepalive_timeout=self._keepalive_s,
            lingering_time=0,
            read_bufsize=BUFFER,
            auto_decompress=False,
            max_line_size=MAX_LINE,
            max_field_size=MAX_FIELD,
            max_headers=MAX_HEADERS,
        )

    async def sweep(self) -> None:
        """End overdue connections, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.connections_open.sweep()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        cast(ServerConnection, request.protocol).enter(Phase.HANDLING)
        return await self._handle_request(request)


class ServerConnection(web.RequestHandler):
    """One connection. It tells `Connections` what it does."""

    __slots__ = ("_connection", "_connections", "_early")

    def __init__(self, manager: Server, connections: Connections, **options: Any) -> None:
        super().__init__(manager, **options)
        self._connections = connections
        self._connection: Connection | None = None
        self._early = 0

    def enter(self, phase: Phase) -> None:
        """From now on it does this."""
        self._early = 0
        if self._connection is not None:
            self._connection.enter(phase)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it with 503 when there are too many."""
        peer = address_of(transport.get_extra_info("peername"))
        self._connection = self._connections.admit(peer, self._end)
        if self._connection is None:
            stream = cast(asyncio.Transport, transport)
            stream.write(bare_response(_TOO_MANY))
            stream.close()
        else:
            super().connection_made(transport)

    def _end(self) -> None:
        """Close it now, whatever is still to be sent."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is closed, by whomever."""
        if self._connection is not None:
            self._connections.forget(self._connection)
            self._connection = None  # it knows this one: else both would wait for the collector
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came in. The first of a request start its time limit."""
        if self._connection is None:
            return
        if self._connection.phase is Phase.IDLE:
            self._connection.enter(Phase.RECEIVING)
        if self._connection.phase is Phase.RECEIVING:
            self._early += len(data)
            if self._early > MAX_EARLY:
                return
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response. When the request's body was not read, the connection ends with it."""
        self.enter(Phase.SENDING)
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            # Raised by aiohttp before the middleware, as for an `Expect` that nobody knows.
            resp = _answer(Problem(resp.status, "refused", resp.reason), request)
        body_unread = not resp.prepared and not request.content.is_eof()
        if body_unread:
            resp.force_close()
        result = await super().finish_response(request, resp, start_time)
        if body_unread and self.transport is not None:
            await _discard(request)
        self.enter(Phase.IDLE)
        return result

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, or beyond the limits. The connection ends with it.

        Everything else was answered by the middleware; what gets here is a fault of ours.
        """
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        exc.__traceback__ = None  # its frames know it: else all would wait for the collector
        answer = _answer(_unreadable(exc), request)
        answer.force_close()
        return answer


_TOO_MANY = Problem(
    503,
    "too_many_connections",
    "this worker has as many connections as it accepts; close some, or try again",
    headers={"Retry-After": "1"},
)


def _answer(problem: Problem, request: web.BaseRequest) -> web.Response:
    """The response to a request that the middleware never saw."""
    metrics.HTTP_UNREADABLE.labels(str(problem.status)).inc()
    give_id(request)
    answer = response(problem, request)
    complete(answer, request)
    return answer


def _unreadable(error: HttpProcessingError) -> Problem:
    """What is wrong with a request that aiohttp could not read. aiohttp's own words end with the
    bytes that it read, which are left out.
    """
    if isinstance(error, LineTooLong):
        if MAX_LINE in error.args:
            return Problem(414, "uri_too_long", f"at most {MAX_LINE} bytes are accepted")
        return Problem(431, "headers_too_large", f"a header may have {MAX_FIELD} bytes")
    if error.message == "Too many headers received":
        return Problem(431, "headers_too_large", f"at most {MAX_HEADERS} headers are accepted")
    reason = error.message.partition(":")[0][:80]
    return Problem(400, "malformed_request", f"this is no HTTP/1.1 request: {reason}")


async def _discard(request: web.BaseRequest) -> None:
    """Read a part of a body that nobody wants."""
    read = 0
    try:
        async with asyncio.timeout(LINGER_S):
            while read < LINGER_BYTES and not request.content.at_eof():
                read += len(await request.content.readany())
    except (TimeoutError, OSError, web.RequestPayloadError) as error:
        # The client does not go on, or is gone. The body knows this error.
        error.__traceback__ = None
