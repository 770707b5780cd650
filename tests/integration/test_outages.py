"""What is away is said, scoring goes on, and nothing is lost when it comes back."""

import asyncio
import os
import signal
import uuid
from contextlib import suppress

import pytest
import redis.asyncio as redis

from devtools.stack.process import family
from ml.features import NAMES, SHARED
from tables import mirror
from tests.support.api_client import until
from tests.support.builders import payload


def fresh(**fields):
    mark = uuid.uuid4().hex
    return payload(**{"transaction_id": f"t-{mark}", "user_id": f"u-{mark}", **fields})


@pytest.fixture
def frozen():
    """Freeze processes; they go on when the test ends, whatever happens."""
    stopped = []

    def freeze(process):
        process.send_signal(signal.SIGSTOP)
        stopped.append(process)

    def thaw():
        while stopped:
            stopped.pop().send_signal(signal.SIGCONT)

    freeze.thaw = thaw
    yield freeze
    thaw()


async def found(api, identity):
    return (await api.get(f"/api/transactions/{identity}")).status == 200


async def test_scoring_goes_on_without_redis_and_says_so(api, running, frozen):
    frozen(running.stack.redis)
    state = await until(
        lambda: api.get("/health"),
        lambda answer: answer.body["checks"]["redis"]["status"] == "down",
    )
    assert state.body["status"] == "degraded"
    sent = [fresh() for _ in range(5)]
    for one in sent:
        assert (await api.post("/api/transactions", one)).status == 202
    for one in sent:
        path = f"/api/transactions/{one['transaction_id']}"
        told = (
            await until(lambda path=path: api.get(path), lambda answer: answer.status == 200)
        ).body
        assert told["degraded"] == ["redis"]
        assert {NAMES[place] for place in SHARED} <= set(told["missing"])
        assert told["decision"] == "approve"
    frozen.thaw()
    await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok")
    await until(lambda: api.decided(fresh()), lambda told: told["degraded"] == [])


async def test_the_mirror_is_rebuilt_after_redis_was_wiped(api, running):
    user = f"u-{uuid.uuid4().hex}"
    await api.decided(fresh(user_id=user))
    client = redis.from_url(running.environment["FRAUD_REDIS__URL"])
    try:
        await until(lambda: client.exists(mirror.PREFIX + user))
        kept = await client.get(mirror.PREFIX + user)
        rows = len([key async for key in client.scan_iter(mirror.PREFIX + "*")])
        await client.flushall()
        assert await until(lambda: client.get(mirror.PREFIX + user)) == kept

        async def mirrored():
            return len([key async for key in client.scan_iter(mirror.PREFIX + "*")])

        await until(mirrored, lambda count: count >= rows)
    finally:
        await client.aclose()


async def test_an_older_row_never_replaces_a_newer_one_in_the_mirror(running):
    from tables.mirror import Mirror
    from tables.redis.client import RedisClient
    from tables.user_row import EMPTY, encode

    link = RedisClient(running.environment["FRAUD_REDIS__URL"])
    try:
        one = Mirror(link, 10, "test", lambda: iter(()))
        user = f"u-{uuid.uuid4().hex}"
        old, new, reborn = (
            encode(EMPTY._replace(epoch=epoch, offset=offset))
            for epoch, offset in ((1, 5), (1, 2**40), (2, 0))
        )
        for row, kept in ((new, new), (old, new), (reborn, reborn), (new, reborn)):
            await one._store([(user, row)])
            assert await one.read([user], 1.0) == [kept]
    finally:
        await link.close()


async def test_scoring_goes_on_without_postgres_and_history_follows(api, running, frozen):
    database = list(family(running.stack.postgres.pid))
    for pid in database:
        os.kill(pid, signal.SIGSTOP)
    try:
        sent = [fresh() for _ in range(5)]
        for one in sent:
            told = await api.decided(one)
            assert told["degraded"] == []
        answer = await api.get("/api/transactions")
        assert (answer.status, answer.body["code"]) == (503, "history_away")
        state = (await api.get("/health")).body
        assert (state["status"], state["checks"]["postgres"]["status"]) == ("degraded", "down")
    finally:
        for pid in reversed(database):
            os.kill(pid, signal.SIGCONT)
    for one in sent:
        await until(lambda identity=one["transaction_id"]: found(api, identity), seconds=40)
    await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok")


async def test_shared_signals_are_counted_once_and_as_of_the_event(running):
    from ml.profile.event import hash64
    from tables.redis.client import RedisClient
    from tables.redis.cross_user_signals import SignalStore
    from tests.support.builders import NOW_MS, event

    link = RedisClient(running.environment["FRAUD_REDIS__URL"])
    try:
        signals = SignalStore(link, 2000)
        device = uuid.uuid4().hex
        events = [
            (event(NOW_MS + n, device_id=device, merchant_id=device), hash64(f"u{n}"))
            for n in range(5)
        ]
        first = await signals.observe(events)
        assert [one.device_users for one in first] == [0, 1, 2, 3, 4]
        assert await signals.observe(events) == first, "taking the same in again changes nothing"
        asked = (event(NOW_MS + 10, device_id=device, merchant_id=device), hash64("stranger"))
        assert (await signals.peek([asked]))[0].device_users == 5
        assert (await signals.peek([asked]))[0].device_users == 5, "asking takes nothing in"
    finally:
        await link.close()


async def test_signals_outlive_their_connection_and_what_redis_forgot(running):
    from ml.profile.event import hash64
    from tables.redis.client import RedisClient
    from tables.redis.cross_user_signals import SignalStore
    from tests.support.builders import NOW_MS, event

    link = RedisClient(running.environment["FRAUD_REDIS__URL"])
    try:
        signals = SignalStore(link, 2000)
        one = [(event(NOW_MS, device_id=uuid.uuid4().hex), hash64("u"))]
        first = await signals.observe(one)
        assert first is not None
        await link.client.script_flush()
        assert await signals.observe(one) == first
        await link.client.client_kill_filter(_type="normal", skipme=True)
        assert await signals.observe(one) == first
        assert await asyncio.gather(*(signals.observe(one) for _ in range(20))) == [first] * 20
        late = SignalStore(link, 0.001)
        assert await late.observe(one) is None
        late._deadline_s = 2.0
        assert await late.observe(one) == first, (
            "an answer that came too late is not taken for the next"
        )
    finally:
        await link.close()


async def test_a_slow_way_in_only_delays_the_first_signals(running):
    from ml.profile.event import hash64
    from tables.redis.client import RedisClient
    from tables.redis.cross_user_signals import SignalStore
    from tests.support.builders import NOW_MS, event

    url = running.environment["FRAUD_REDIS__URL"]
    link, other = RedisClient(url), redis.from_url(url)
    try:
        signals = SignalStore(link, 15)
        one = [(event(NOW_MS, device_id=uuid.uuid4().hex), hash64("u"))]
        await other.client_pause(300)
        assert await signals.observe(one) is None
        assert await until(lambda: signals.observe(one))
    finally:
        await other.aclose()
        await link.close()


async def test_a_fault_of_the_client_is_an_outage_and_is_over_when_a_call_is_answered(running):
    from tables.redis.client import BREAK_AFTER, RedisClient, RedisUnavailable

    link = RedisClient(running.environment["FRAUD_REDIS__URL"])

    async def faulty():
        raise RuntimeError(
            "read() called while another coroutine is already waiting for incoming data"
        )

    try:
        for _ in range(BREAK_AFTER):
            with pytest.raises(RedisUnavailable):
                await link.call(faulty(), 1.0)
        assert not link.up
        with pytest.raises(RedisUnavailable):
            await link.call(link.client.ping(), 1.0)

        async def asked():
            with suppress(RedisUnavailable):
                return await link.call(link.client.ping(), 1.0)

        assert await until(asked)
        assert link.up
    finally:
        await link.close()


async def test_the_online_and_the_offline_shared_signals_agree(running):
    import random

    from ml.profile.cross_user_signals import OfflineSignals
    from ml.profile.event import hash64
    from tables.redis.client import RedisClient
    from tables.redis.cross_user_signals import SignalStore
    from tests.support.builders import NOW_MS, event, same

    dice = random.Random(3)
    mark = uuid.uuid4().hex
    events = []
    for number in range(400):
        one = event(
            NOW_MS + number * 1_800_000,
            transaction_id=f"{mark}{number}",
            device_id=f"{mark}d{dice.randrange(6)}",
            payment_method={"fingerprint": f"{mark}c{dice.randrange(9)}"},
            merchant_id=f"{mark}m{dice.randrange(3)}",
            ip=None,
        )
        events.append((one, hash64(f"u{dice.randrange(40)}")))
    link, memory = RedisClient(running.environment["FRAUD_REDIS__URL"]), OfflineSignals()
    try:
        signals = SignalStore(link, 2000)
        for one in events:
            (online,) = await signals.observe([one])
            assert same(tuple(online), tuple(memory.observe(*one)))
    finally:
        await link.close()


async def test_many_requests_at_once_are_all_answered(api):
    answers = await asyncio.gather(*(api.post("/score", fresh()) for _ in range(200)))
    assert {answer.status for answer in answers} == {200}
