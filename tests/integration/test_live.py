"""The live feed over `/ws`, as a program receives it."""

import asyncio

from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import fresh


async def items_until(socket, identity):
    """Items of the feed up to the frame with this transaction."""
    items = []
    while not any(item["data"]["transaction_id"] == identity for item in items):
        frame = await socket.receive_json(timeout=TIMEOUT_S)
        items += frame.get("items", [])
    return items


async def hello(socket):
    """Wait for the first frame: from then on the worker sends this client what is decided."""
    frame = await socket.receive_json(timeout=TIMEOUT_S)
    assert frame["type"] == "hello"
    return frame


async def test_a_decision_reaches_the_clients_of_every_worker(api, other_api):
    async with api.session.ws_connect("/ws") as near, other_api.session.ws_connect("/ws") as far:
        for socket in (near, far):
            await hello(socket)
        scored = await api.decided(fresh())
        for socket in (near, far):
            item = next(
                item
                for item in await items_until(socket, scored["transaction_id"])
                if item["data"]["transaction_id"] == scored["transaction_id"]
            )
            assert item["event"] == "scored"
            assert item["data"]["latency_ms"]["total"] > 0


async def test_a_client_goes_on_where_it_stopped(api):
    async with api.session.ws_connect("/ws") as socket:
        await hello(socket)
        first = await api.decided(fresh())
        cursor = (await items_until(socket, first["transaction_id"]))[-1]["id"]
    # Of one user, whose decisions keep their order; those of different partitions may pass each
    # other.
    missed = [
        (await api.decided(fresh(user_id=first["user_id"])))["transaction_id"] for _ in range(3)
    ]
    async with api.session.ws_connect(f"/ws?since={cursor}") as socket:
        assert (await hello(socket))["resume_from"] == cursor
        items = await items_until(socket, missed[-1])
    received = [item["data"]["transaction_id"] for item in items]
    assert [identity for identity in received if identity in missed] == missed
    assert first["transaction_id"] not in received


async def test_a_client_may_ask_for_alerts_only(api):
    async with (
        api.session.ws_connect("/ws") as everything,
        api.session.ws_connect("/ws?types=alert") as alerts,
    ):
        await hello(everything)
        await hello(alerts)
        approved = await api.decided(fresh())
        # It is in the feed before the alert that comes next.
        await items_until(everything, approved["transaction_id"])
        flagged = await api.decided((await api.get("/api/samples/fraud")).body)
        received = {
            item["data"]["transaction_id"]
            for item in await items_until(alerts, flagged["transaction_id"])
        }
    assert approved["transaction_id"] not in received


async def test_wrong_parameters_are_refused_before_the_socket_opens(api):
    assert (await api.get("/ws?types=everything")).status == 422
    assert (await api.get("/ws?since=yesterday")).status == 422


async def test_a_client_that_never_reads_holds_up_nobody(api):
    async with api.session.ws_connect("/ws") as silent:
        await asyncio.gather(*(api.decided(fresh()) for _ in range(50)))
        assert (await api.get("/livez")).status == 200
        assert not silent.closed
    metrics = await until(
        lambda: api.get("/metrics"), lambda answer: "fraud_ws_clients 0.0" in answer.body
    )
    assert metrics.status == 200
