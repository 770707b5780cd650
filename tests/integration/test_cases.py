"""What analysts and operators see of a transaction, a customer, a time window and the processes."""

import asyncio
import uuid
from datetime import datetime

from aiokafka import AIOKafkaProducer

from fraud_app.topics import RAW
from ml.features import NAMES
from tests.support.api_client import until
from tests.support.builders import payload
from tests.support.history import PARTITIONS, everything_stored
from tests.support.reviews import case, flagged


async def test_a_case_shows_why_when_and_what_is_related(api):
    mark = uuid.uuid4().hex[:10]
    device = f"d-{mark}"
    first = await flagged(api, device_id=device)
    second = await flagged(api, device_id=device)
    shown = (await case(api, second["transaction_id"])).body
    assert shown["transaction"] == {
        name: value for name, value in second.items() if name != "features"
    }
    assert {part["code"] for part in shown["explanation"]} == set(NAMES)
    contributions = [abs(part["contribution"]) for part in shown["explanation"]]
    assert contributions == sorted(contributions, reverse=True)
    moments = [
        datetime.fromisoformat(at)
        for at in (second["received_at"], second["scored_at"], shown["stored_at"])
    ]
    assert moments == sorted(moments)
    by = {related["by"]: related for related in shown["related"]}
    assert first["transaction_id"] in [item["transaction_id"] for item in by["device_id"]["items"]]
    assert by["device_id"]["found"] >= 1
    assert (by["user_id"]["found"], by["user_id"]["items"]) == (0, [])
    assert set(by) == {"user_id", "device_id", "ip", "card"}


async def test_a_customer_is_shown_now_against_the_usual(api, other_api):
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
    for client in (api, other_api):
        answer = await until(
            lambda client=client: client.get(f"/api/users/{user}"),
            # History and the mirror of the row follow the decision, each at its own pace.
            lambda answer: (
                answer.body["payments"] == 5 and sum(answer.body["behaviour"]["hours"]) == 5
            ),
        )
        customer = answer.body
        assert customer["decisions"] == {"approve": 5, "review": 0, "block": 0}
        week = customer["behaviour"]["windows"][-1]
        assert (week["window"], week["payments"], week["amount_eur"]) == ("7d", 5, 50.0)
        devices = [device["value"] for device in customer["used"]["devices"]]
        assert devices in (["d0", "d1"], ["d1", "d0"])
        assert customer["used"]["countries"][0]["payments"] == 5


async def test_breakdowns_count_each_transaction_once(api):
    async def breakdowns():
        return (await api.get("/api/transactions/breakdowns?window=1h")).body

    async def flagged_in_iceland():
        rows = [row for row in (await breakdowns())["countries"] if row["value"] == "IS"]
        return sum(row["review"] + row["block"] for row in rows)

    await everything_stored(api)
    before = await flagged_in_iceland()
    for _ in range(3):
        await flagged(api, country="IS")
    # A sample that was blocked instead of sent to review may still be on its way.
    await everything_stored(api)
    listed = (await api.get("/api/transactions?country=IS&limit=200")).body["items"]
    count = await flagged_in_iceland()
    assert count >= before + 3
    assert count == sum(item["decision"] != "approve" for item in listed)
    shown = await breakdowns()
    assert shown["reasons"]
    assert all(row["review"] + row["block"] > 0 for row in shown["reasons"])
    stats = (await api.get("/api/transactions/stats?window=24h")).body
    assert sum(hour["transactions"] for hour in shown["hours"]) == stats["transactions"]


async def test_the_list_can_be_filtered_by_everything_that_a_chart_shows(api):
    scored = await flagged(api)
    code = scored["reasons"][0]["code"]
    identity, score = scored["transaction_id"], scored["risk_score"]

    async def listed(parameters):
        answer = await api.get(f"/api/transactions?limit=200&{parameters}")
        return [item["transaction_id"] for item in answer.body["items"]]

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


async def test_operations_show_every_process_and_who_owns_what(api, running):
    every_partition = list(range(PARTITIONS))

    def scoring_in(report):
        return [
            process
            for process in report["processes"]
            if process["role"] == "scoring" and process["state"] == "ok"
        ]

    def partitions_in(report):
        return sorted(
            partition for process in scoring_in(report) for partition in process["partitions"]
        )

    def is_complete(answer):
        """Each process reports for itself every two seconds, so after a start or a rebalance the
        picture is complete a moment later.
        """
        report = answer.body
        return (
            len(scoring_in(report)) == 2
            and partitions_in(report) == every_partition
            and report["unowned"] == []
            and {process["role"] for process in report["processes"]} >= {"storage", "feed"}
        )

    report = (await until(lambda: api.get("/api/operations"), is_complete)).body
    assert {process["role"] for process in report["processes"]} == {"scoring", "storage", "feed"}
    # A worker that other tests added is not among them: who stops in order says so.
    assert not {"worker-8", "worker-9"} & {process["id"] for process in report["processes"]}
    assert partitions_in(report) == every_partition
    assert report["processes_known"] is True
    addresses = {
        process["address"] for process in report["processes"] if process["role"] == "scoring"
    }
    assert addresses >= {
        address.removeprefix("http://").rstrip("/") for address in running.addresses
    }


async def test_dead_letters_are_shown_without_card_numbers(api, running):
    producer = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()
    mark, trace = uuid.uuid4().hex, "617c36775003682551ec82c4"
    try:
        await producer.send_and_wait(
            RAW, f'{{"{mark}": "4111 1111 1111 1111", "t": "{trace}", <b>'.encode(), key=b"u1"
        )
    finally:
        await producer.stop()

    async def with_mark():
        letters = (await api.get("/api/dead-letters")).body["items"]
        return [letter for letter in letters if mark in letter["preview"]]

    [letter] = await until(with_mark)
    assert letter["code"] == "malformed"
    assert "4111" not in letter["preview"]
    assert trace in letter["preview"], "an id's digits are no card's"
    assert letter["topic"] == RAW
    answers = await asyncio.gather(*(api.get("/api/dead-letters") for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
