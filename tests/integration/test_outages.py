"""Outages: the system says what is unavailable, scoring goes on, and nothing is lost afterwards."""

import asyncio
import random
import time
import uuid
from contextlib import suppress

import asyncpg
import pytest
import redis.asyncio as redis

from ml.features import NAMES, SHARED
from ml.profile.cross_user_signals import OfflineSignals
from ml.profile.event import hash64
from tables import mirror
from tables.mirror import Mirror
from tables.redis import client
from tables.redis.client import BREAK_AFTER, RedisClient, RedisUnavailable
from tables.redis.cross_user_signals import SignalStore
from tables.user_row import EMPTY, encode
from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import NOW_MS, event, fresh, same
from tests.support.history import fresh_in, stored

PATIENT_MS = TIMEOUT_S * 1000
"""A deadline for calls that are to be answered, however busy the machine is."""


@pytest.fixture
async def link(running):
    link = RedisClient(running.environment["FRAUD_REDIS__URL"])
    yield link
    await link.close()


async def test_scoring_goes_on_without_redis_and_says_so(api, running, freezer):
    freezer.freeze(running.stack.redis)
    state = await until(
        lambda: api.get("/health"),
        lambda answer: answer.body["checks"]["redis"]["status"] == "down",
    )
    assert state.body["status"] == "degraded"
    sent = [fresh() for _ in range(5)]
    for transaction in sent:
        assert (await api.post("/api/transactions", transaction)).status == 202
    for transaction in sent:
        scored = (await stored(api, transaction)).body
        assert scored["degraded"] == ["redis"]
        assert {NAMES[index] for index in SHARED} <= set(scored["missing"])
        assert scored["decision"] == "approve"
    freezer.thaw()
    await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok")
    await until(lambda: api.decided(fresh()), lambda scored: scored["degraded"] == [])


async def test_redis_that_answers_but_fails_every_decision_is_not_called_well(api, running):
    admin = redis.from_url(running.environment["FRAUD_REDIS__URL"])
    state = await until(lambda: api.get("/health"), lambda answer: answer.body["partitions"] != [])
    partition = state.body["partitions"][0]

    async def met():
        await api.decided(fresh_in(partition))
        return (await api.get("/health")).body["checks"]["redis"]

    try:
        await admin.execute_command("ACL", "SETUSER", "default", "-pfadd")
        check = await until(met, lambda check: check["status"] == "degraded")
        assert "made without it" in check["detail"]
    finally:
        await admin.execute_command("ACL", "SETUSER", "default", "+pfadd")
        await admin.aclose()
    await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok")


async def test_every_worker_says_when_another_process_is_silent(api, other_api, running, freezer):
    for worker in (api, other_api):
        await until(
            lambda worker=worker: worker.get("/health"),
            lambda answer: answer.body["fleet"] == {"status": "ok", "detail": None},
        )
    freezer.freeze(running.sinks.process)
    for worker in (api, other_api):
        state = await until(
            lambda worker=worker: worker.get("/health"),
            lambda answer: "storage sinks-1: silent" in answer.body["fleet"]["detail"],
        )
        assert state.body["fleet"]["status"] == "degraded"
        assert "no process stores decisions" in state.body["fleet"]["detail"]
        assert state.body["status"] == "ok", "the worker itself is well"
    freezer.thaw()
    await until(lambda: api.get("/health"), lambda answer: answer.body["fleet"]["status"] == "ok")


async def test_a_read_only_server_is_waited_out_and_nothing_is_lost(api, running):
    """As after a fail-over to a replica that is not promoted yet."""
    admin = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    restarts = [service.restarts for service in (*running.workers, running.sinks)]
    try:
        await admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await admin.execute("SELECT pg_reload_conf()")
        await until(lambda: admin.fetchval("SHOW default_transaction_read_only"), "on".__eq__)
        sent = [fresh() for _ in range(5)]
        for transaction in sent:
            assert (await api.decided(transaction))["decision"]
        assert (await api.get(f"/api/transactions?q={sent[0]['transaction_id']}")).status == 200
    finally:
        await admin.execute("SET default_transaction_read_only = off")
        await admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()
    for transaction in sent:
        await stored(api, transaction)
    assert [service.restarts for service in (*running.workers, running.sinks)] == restarts


async def test_the_mirror_is_rebuilt_after_redis_was_wiped(api, running):
    user = f"u-{uuid.uuid4().hex}"
    await api.decided(fresh(user_id=user))
    store = redis.from_url(running.environment["FRAUD_REDIS__URL"])
    try:
        row = await until(lambda: store.get(mirror.PREFIX + user))

        async def mirrored():  # SCAN may name a key twice
            return {key async for key in store.scan_iter(mirror.PREFIX + "*")}

        before = await mirrored()
        await store.flushall()
        assert await until(lambda: store.get(mirror.PREFIX + user)) == row

        async def missing():
            return before - await mirrored()

        await until(missing, lambda keys: not keys)
    finally:
        await store.aclose()


async def test_an_older_row_never_replaces_a_newer_one_in_the_mirror(link):
    copies = Mirror(link, 10, "test", lambda: iter(()))
    user = f"u-{uuid.uuid4().hex}"
    old, new, reborn = (
        encode(EMPTY._replace(epoch=epoch, offset=offset))
        for epoch, offset in ((1, 5), (1, 2**40), (2, 0))
    )
    try:
        for row, expected in ((new, new), (old, new), (reborn, reborn), (new, reborn)):
            await copies._store([(user, row)])
            assert await copies.read([user], TIMEOUT_S) == [expected]
    finally:
        # No worker has this row: after a loss of the data none would copy it again.
        await link.client.delete(mirror.PREFIX + user)


async def test_scoring_goes_on_without_postgres_and_history_follows(api, running, freezer):
    freezer.freeze(running.stack.postgres)
    sent = [fresh() for _ in range(5)]
    for transaction in sent:
        scored = await api.decided(transaction)
        assert scored["degraded"] == []
    answer = await api.get("/api/transactions")
    assert (answer.status, answer.body["code"]) == (503, "history_away")
    state = await until(
        lambda: api.get("/health"),
        lambda answer: answer.body["checks"]["postgres"]["status"] == "down",
    )
    assert state.body["status"] == "degraded"
    freezer.thaw()
    for transaction in sent:
        await stored(api, transaction)
    await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok")


async def test_shared_signals_are_counted_once_and_as_of_the_event(link):
    signals = SignalStore(link, PATIENT_MS)
    device = uuid.uuid4().hex
    events = [
        (
            event(NOW_MS + number, device_id=device, merchant_id=device),
            hash64(f"u{number}"),
        )
        for number in range(5)
    ]
    first = await signals.observe(events)
    assert [each.device_users for each in first] == [0, 1, 2, 3, 4]
    assert await signals.observe(events) == first, "observing the same again changes nothing"
    asked = (event(NOW_MS + 10, device_id=device, merchant_id=device), hash64("stranger"))
    for _ in range(2):
        peeked = await signals.peek([asked])
        assert peeked is not None
        assert peeked[0].device_users == 5, "a peek counts nobody"


async def test_signals_survive_a_lost_connection_and_a_lost_script(running):
    url = running.environment["FRAUD_REDIS__URL"]
    name = f"test-{uuid.uuid4().hex}"
    link, other = RedisClient(f"{url}?client_name={name}"), redis.from_url(url)

    async def disconnect():
        """Close the connections of `link`, and nobody else's."""
        connections = [each for each in await other.client_list() if each["name"] == name]
        assert connections
        for connection in connections:
            await other.client_kill_filter(_id=connection["id"])

    try:
        signals = SignalStore(link, PATIENT_MS)
        observed = [(event(NOW_MS, device_id=uuid.uuid4().hex), hash64("u"))]
        first = await signals.observe(observed)
        assert first is not None
        await link.client.script_flush()
        assert await signals.observe(observed) == first
        await disconnect()
        assert await signals.observe(observed) == first
        many = await asyncio.gather(*(signals.observe(observed) for _ in range(20)))
        assert many == [first] * 20
        late = SignalStore(link, 0.001)
        assert await late.observe(observed) is None
        late._deadline_s = TIMEOUT_S
        assert await late.observe(observed) == first, (
            "an answer that came too late is not taken for the next"
        )
    finally:
        await other.aclose()
        await link.close()


async def test_a_slow_connection_delays_only_the_first_signals(link, running, freezer):
    signals = SignalStore(link, 15)
    observed = [(event(NOW_MS, device_id=uuid.uuid4().hex), hash64("u"))]
    freezer.freeze(running.stack.redis)
    assert await signals.observe(observed) is None
    freezer.thaw()
    assert await until(lambda: signals.observe(observed))


async def test_an_unexpected_error_of_redis_py_counts_as_an_outage_until_a_call_is_answered(
    link, monkeypatch
):
    # The first call after an outage is tried when the test says so, not after a tenth of a second.
    monkeypatch.setattr(client, "RETRY_S", 3600.0)

    async def fail():
        raise RuntimeError(
            "read() called while another coroutine is already waiting for incoming data"
        )

    for _ in range(BREAK_AFTER):
        with pytest.raises(RedisUnavailable):
            await link.call(fail(), TIMEOUT_S)
    assert not link.is_up
    with pytest.raises(RedisUnavailable):
        await link.call(link.client.ping(), TIMEOUT_S)
    link._retry_at = time.monotonic()

    async def pinged():
        with suppress(RedisUnavailable):
            return await link.call(link.client.ping(), TIMEOUT_S)

    assert await until(pinged)
    assert link.is_up


async def test_the_online_and_the_offline_shared_signals_agree(link):
    dice = random.Random(3)
    mark = uuid.uuid4().hex
    events = []
    for number in range(400):
        observed = event(
            NOW_MS + number * 1_800_000,
            transaction_id=f"{mark}{number}",
            device_id=f"{mark}d{dice.randrange(6)}",
            payment_method={"fingerprint": f"{mark}c{dice.randrange(9)}"},
            merchant_id=f"{mark}m{dice.randrange(3)}",
            ip=None,
        )
        events.append((observed, hash64(f"u{dice.randrange(40)}")))
    signals, offline = SignalStore(link, PATIENT_MS), OfflineSignals()
    for pair in events:
        (online,) = await signals.observe([pair]) or ()
        assert same(tuple(online), tuple(offline.observe(*pair)))


async def test_many_requests_at_once_are_all_answered(api):
    answers = await asyncio.gather(*(api.post("/score", fresh()) for _ in range(200)))
    assert {answer.status for answer in answers} == {200}
