"""What analysts and operators see of a payment, a customer, a window and the fleet."""

import asyncio
import uuid
from datetime import datetime

from aiokafka import AIOKafkaProducer

from fraud_app.topics import RAW
from ml.features import NAMES
from tests.support.api_client import until
from tests.support.builders import payload
from tests.support.reviews import case, flagged


async def test_a_case_tells_why_when_and_what_is_related(api):
    mark = uuid.uuid4().hex[:10]
    device = f"d-{mark}"
    first = await flagged(api, device_id=device)
    second = await flagged(api, device_id=device)
    told = (await case(api, second["transaction_id"])).body
    assert told["transaction"] == {
        name: value for name, value in second.items() if name != "features"
    }
    assert {one["code"] for one in told["explanation"]} == set(NAMES)
    contributions = [abs(one["contribution"]) for one in told["explanation"]]
    assert contributions == sorted(contributions, reverse=True)
    moments = [
        datetime.fromisoformat(at)
        for at in (second["received_at"], second["scored_at"], told["stored_at"])
    ]
    assert moments == sorted(moments)
    by = {one["by"]: one for one in told["related"]}
    assert first["transaction_id"] in [one["transaction_id"] for one in by["device_id"]["items"]]
    assert by["device_id"]["found"] >= 1
    assert (by["user_id"]["found"], by["user_id"]["items"]) == (0, [])
    assert set(by) == {"user_id", "device_id", "ip", "card"}


async def test_a_customer_is_told_now_against_the_usual(api, other_api):
    user = f"u-{uuid.uuid4().hex}"
    for number in range(5):
        await api.decided(
            payload(
                transaction_id=f"{user}-{number}",
                user_id=user,
                amount="10.00",
                device_id=f"d{number % 2}",
            )
        )
    for one in (api, other_api):
        answer = await until(
            lambda one=one: one.get(f"/api/users/{user}"),
            # History and the mirror of the row follow the decision, each at its own pace.
            lambda told: (
                told.status == 200
                and (told.body["payments"], sum((told.body["behaviour"] or {"hours": ()})["hours"]))
                == (5, 5)
            ),
        )
        told = answer.body
        assert told["decisions"] == {"approve": 5, "review": 0, "block": 0}
        week = told["behaviour"]["windows"][-1]
        assert (week["window"], week["payments"], week["amount_eur"]) == ("7d", 5, 50.0)
        assert [one["value"] for one in told["used"]["devices"]] in (["d0", "d1"], ["d1", "d0"])
        assert told["used"]["countries"][0]["payments"] == 5


async def test_breakdowns_count_each_payment_once(api):
    async def of_is():
        told = (await api.get("/api/transactions/breakdowns?window=1h")).body
        found = [one for one in told["countries"] if one["value"] == "IS"]
        return sum(one["review"] + one["block"] for one in found)

    before = await of_is()
    for _ in range(3):
        await flagged(api, country="IS")
    listed = (await api.get("/api/transactions?country=IS&limit=200")).body["items"]
    flagged_ones = sum(one["decision"] != "approve" for one in listed)
    assert await until(of_is, lambda count: count >= before + 3) == flagged_ones
    told = (await api.get("/api/transactions/breakdowns?window=1h")).body
    assert told["reasons"]
    assert all(one["review"] + one["block"] > 0 for one in told["reasons"])
    assert (
        sum(hour["transactions"] for hour in told["hours"])
        == (await api.get("/api/transactions/stats?window=24h")).body["transactions"]
    )


async def test_the_list_is_filtered_by_what_a_chart_shows(api):
    scored = await flagged(api)
    code = scored["reasons"][0]["code"]
    identity, score = scored["transaction_id"], scored["risk_score"]

    async def listed(parameters):
        return [
            one["transaction_id"]
            for one in (await api.get(f"/api/transactions?limit=200&{parameters}")).body["items"]
        ]

    for parameters in (
        f"reason={code}",
        f"min_score={score}&max_score={score}",
        f"q={identity}",
        f"q={scored['device_id']}",
        "country=ID",
    ):
        assert identity in await listed(parameters), parameters
    assert identity not in await listed(f"max_score={score - 1}")
    assert identity not in await listed("reason=no_such_reason")
    assert identity not in await listed("country=unknown")
    assert await listed("q=nothing-of-the-kind") == []
    for wrong in ("country=Germany", "max_score=100", "reason=" + "x" * 65):
        assert (await api.get(f"/api/transactions?{wrong}")).status == 422


async def test_operations_know_every_process_and_who_has_what(api, running):
    def whole(answer):
        scoring = [
            one
            for one in answer.body["processes"]
            if one["role"] == "scoring" and one["state"] == "ok"
        ]
        gone = {"worker-8", "worker-9"}  # of other tests: who ends in order says so
        return (
            len(scoring) == 2
            and not gone & {one["id"] for one in answer.body["processes"]}
            and answer.body["unowned"] == []
        )

    told = (await until(lambda: api.get("/api/operations"), whole)).body
    assert {one["role"] for one in told["processes"]} == {"scoring", "storage", "feed"}
    scoring = [
        one for one in told["processes"] if one["role"] == "scoring" and one["state"] == "ok"
    ]
    partitions = sorted(partition for one in scoring for partition in one["partitions"])
    assert partitions == [0, 1, 2, 3]
    assert told["processes_known"] is True
    assert {one["address"] for one in told["processes"] if one["role"] == "scoring"} >= {
        address.removeprefix("http://").rstrip("/") for address in running.addresses
    }


async def test_dead_letters_are_told_without_long_numbers(api, running):
    producer = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()
    mark = uuid.uuid4().hex
    try:
        await producer.send_and_wait(
            RAW, f'{{"{mark}": "4111 1111 1111 1111", <b>'.encode(), key=b"u1"
        )
    finally:
        await producer.stop()

    async def of_mark():
        return [
            one
            for one in (await api.get("/api/dead-letters")).body["items"]
            if mark[:8] in one["preview"] or mark in one["preview"]
        ]

    [letter] = await until(of_mark)
    assert letter["code"] == "malformed"
    assert "4111" not in letter["preview"]
    assert letter["topic"] == RAW
    answers = await asyncio.gather(*(api.get("/api/dead-letters") for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
