import asyncio
import uuid

from tests.support.api_client import until
from tests.support.builders import payload


def fresh(**fields):
    mark = uuid.uuid4().hex
    return payload(**{"transaction_id": f"t-{mark}", "user_id": f"u-{mark}", **fields})


async def items_until(socket, identity):
    """Items of the feed up to the one with this transaction."""
    items = []
    while not any(item["data"]["transaction_id"] == identity for item in items):
        frame = await socket.receive_json(timeout=15)
        items += frame.get("items", [])
    return items


async def test_a_decision_reaches_the_clients_of_every_worker(api, other_api):
    async with api.session.ws_connect("/ws") as one, other_api.session.ws_connect("/ws") as other:
        assert (await one.receive_json())["type"] == "hello"
        assert (await other.receive_json())["type"] == "hello"
        told = await api.decided(fresh())
        for socket in (one, other):
            item = (await items_until(socket, told["transaction_id"]))[-1]
            assert item["event"] == "scored"
            assert item["data"]["latency_ms"]["total"] > 0


async def test_a_client_goes_on_where_it_stopped(api):
    async with api.session.ws_connect("/ws") as socket:
        first = await api.decided(fresh())
        cursor = (await items_until(socket, first["transaction_id"]))[-1]["id"]
    # Of one user, whose decisions keep their order; those of different partitions may pass each
    # other.
    missed = [
        (await api.decided(fresh(user_id=first["user_id"])))["transaction_id"] for _ in range(3)
    ]
    async with api.session.ws_connect(f"/ws?since={cursor}") as socket:
        assert (await socket.receive_json())["resume_from"] == cursor
        found = [item["data"]["transaction_id"] for item in await items_until(socket, missed[-1])]
    assert [identity for identity in found if identity in missed] == missed
    assert first["transaction_id"] not in found


async def test_a_client_may_ask_for_alerts_only(api):
    async with api.session.ws_connect("/ws?types=alert") as socket:
        approved = await api.decided(fresh())
        flagged = await api.decided((await api.get("/api/samples/fraud")).body)
        found = {
            item["data"]["transaction_id"]
            for item in await items_until(socket, flagged["transaction_id"])
        }
    assert approved["transaction_id"] not in found


async def test_nonsense_is_refused_before_the_socket_opens(api):
    assert (await api.get("/ws?types=everything")).status == 422
    assert (await api.get("/ws?since=yesterday")).status == 422


async def test_a_client_that_never_reads_costs_nobody_anything(api):
    async with api.session.ws_connect("/ws") as silent:
        await asyncio.gather(*(api.decided(fresh()) for _ in range(50)))
        assert (await api.get("/livez")).status == 200
        assert not silent.closed
    metrics = await until(
        lambda: api.get("/metrics"), lambda answer: "fraud_ws_clients 0.0" in answer.body
    )
    assert metrics.status == 200
