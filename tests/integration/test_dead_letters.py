"""Dead letters are found, looked at and sent again, over HTTP and by `fraud dlq`."""

import asyncio
import json
import os
import sys
import uuid

import aiohttp
import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from devtools.audit.topic_reader import read_topic
from fraud_app.settings import ROOT
from fraud_app.topics import RAW, SCORED
from tests.conftest import KEY
from tests.support.api_client import TIMEOUT_S, ApiClient, until
from tests.support.builders import fresh
from tests.support.history import PARTITIONS, everything_stored
from tests.support.letters import letter_of, resend, stored_letter, write, write_foreign
from tests.support.reviews import as_analyst

CARD = "4111111111111111"


@pytest.fixture
async def database(running):
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    yield connection
    await connection.close()


async def raw_records(running, transaction):
    """The records of `transactions.raw` with this transaction."""
    records = await read_topic(running.environment["FRAUD_KAFKA__BROKERS"], RAW)
    mark = transaction["transaction_id"].encode()
    return [record for record in records if mark in (record.value or b"")]


async def send_raw(running, value, key=b"k", headers=()):
    producer = AIOKafkaProducer(
        bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"], max_request_size=2_000_000
    )
    await producer.start()
    try:
        return await producer.send_and_wait(RAW, value, key=key, headers=list(headers))
    finally:
        await producer.stop()


async def payments_of(api, user):
    """How many transactions this customer's row has counted."""
    return (await api.get(f"/api/users/{user}")).body["behaviour"]["payments"]


async def test_a_letter_is_found_by_each_filter_and_shown_with_its_reason(api, running):
    mark = uuid.uuid4().hex
    value = f'{{"transaction_id": "t-{mark}", "user_id": "u-{mark}", "amount": "x"}}'.encode()
    sent = await send_raw(running, value, key=mark.encode())

    async def listed(**filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = await api.get(f"/api/dead-letters?transaction_id=t-{mark}&{query}")
        assert answer.status == 200, answer
        return [letter["offset"] for letter in answer.body["items"]]

    [offset] = await until(listed)
    letter = (await stored_letter(api, offset)).body
    assert (letter["code"], letter["topic"]) == ("invalid", RAW)
    assert (letter["original_partition"], letter["original_offset"]) == (
        sent.partition,
        sent.offset,
    )
    assert letter["value"] == value.decode()
    assert letter["detail"].startswith("/merchant_id: ") or "/amount" in letter["detail"]
    assert "refused again" in letter["cannot_resend"]
    for filters in (
        {"code": "invalid"},
        {"topic": RAW},
        {"user_id": f"u-{mark}"},
        {"original_partition": sent.partition, "original_offset": sent.offset},
        {"resent": "false"},
        {"from": "2026-01-01T00:00:00Z"},
    ):
        assert await listed(**filters) == [offset], filters
    for filters in (
        {"code": "malformed"},
        {"topic": SCORED},
        {"user_id": "somebody"},
        {"original_offset": sent.offset + 1},
        {"resent": "true"},
        {"to": "2026-01-01T00:00:00Z"},
    ):
        assert await listed(**filters) == [], filters


async def test_the_pages_of_the_list_hold_every_letter_once(api, running):
    code = f"page-{uuid.uuid4().hex}"
    offsets = await write(running, *(letter_of(fresh(), code=code) for _ in range(5)))
    await stored_letter(api, offsets[-1])
    found, cursor = [], ""
    while True:
        answer = await api.get(f"/api/dead-letters?code={code}&limit=2{cursor}")
        assert answer.body["total"] == 5
        found += [letter["offset"] for letter in answer.body["items"]]
        if answer.body["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.body['next_cursor']}"
    assert found == offsets[::-1]


async def test_a_transaction_that_was_not_decided_says_when_and_why(api, running):
    transaction = fresh(amount="-5")
    await send_raw(running, orjson.dumps(transaction))
    address = f"/api/transactions/{transaction['transaction_id']}"
    told = await until(
        lambda: api.get(address), lambda answer: answer.body["code"] == "dead_lettered"
    )
    assert told.status == 404
    assert "invalid, /amount" in told.body["detail"]
    [letter] = told.body["dead_letters"]
    assert (letter["code"], letter["user_id"]) == ("invalid", transaction["user_id"])
    assert (await api.get(f"{address}/case")).body["code"] == "dead_lettered"


async def test_a_decided_transaction_tells_of_other_records_with_its_id(api, running):
    transaction = fresh(metadata={"large": 2**70})
    await api.decided(transaction)
    user = transaction["user_id"]
    await send_raw(running, json.dumps({**transaction, "amount": "999.00"}).encode(), user.encode())
    address = f"/api/transactions/{transaction['transaction_id']}"
    told = await until(
        lambda: api.get(address),
        lambda answer: answer.status == 200 and "dead_letters" in answer.body,
    )
    assert [letter["code"] for letter in told.body["dead_letters"]] == ["conflict"]
    assert told.body["amount"] == transaction["amount"]
    assert '"large":1180591620717411303424' in orjson_free(told.body)
    case = await api.get(f"{address}/case")
    assert [letter["code"] for letter in case.body["dead_letters"]] == ["conflict"]
    [letter] = told.body["dead_letters"]
    [result] = (await resend(api, letter["offset"])).body["items"]
    assert result["outcome"] == "refused"


def orjson_free(body):
    return json.dumps(body, separators=(",", ":"))


async def test_a_conflict_does_not_say_of_the_decided_one_that_it_was_not(api, running):
    transaction = fresh()  # decided, but not stored yet
    [offset] = await write(running, letter_of(transaction, code="conflict"))
    await stored_letter(api, offset)
    told = await api.get(f"/api/transactions/{transaction['transaction_id']}")
    assert (told.status, told.body["code"]) == (404, "not_found")


async def test_letters_of_another_customer_with_the_same_id_are_not_told(api, running):
    decided = fresh()
    await api.decided(decided)
    other, third = (fresh(transaction_id=decided["transaction_id"]) for _ in range(2))
    offsets = await write(running, letter_of(other))
    await stored_letter(api, offsets[-1])
    address = f"/api/transactions/{decided['transaction_id']}"
    own = await api.get(f"{address}?user_id={decided['user_id']}")
    assert (own.status, own.body.get("dead_letters")) == (200, None)
    theirs = await api.get(f"{address}?user_id={other['user_id']}")
    assert theirs.body["code"] == "dead_lettered"
    assert [letter["user_id"] for letter in theirs.body["dead_letters"]] == [other["user_id"]]

    lost = uuid.uuid4().hex
    letters = [letter_of({**each, "transaction_id": lost}) for each in (other, third)]
    await stored_letter(api, (await write(running, *letters))[-1])
    ambiguous = await api.get(f"/api/transactions/{lost}")
    assert (ambiguous.status, ambiguous.body["code"]) == (409, "ambiguous_id")
    assert third["user_id"] not in str(ambiguous.body)
    told = await api.get(f"/api/transactions/{lost}?user_id={third['user_id']}")
    assert [letter["user_id"] for letter in told.body["dead_letters"]] == [third["user_id"]]


async def test_a_letter_is_sent_again_as_it_was_and_decided_once(api, running):
    transaction = fresh()
    letter = letter_of(transaction, key=b"the shop's own key")
    [offset] = await write(running, letter)
    assert (await stored_letter(api, offset)).body["cannot_resend"] is None
    answers = await asyncio.gather(
        *(resend(api, offset, **as_analyst(name)) for name in ("ann", "bob", "cem"))
    )
    outcomes = sorted(answer.body["items"][0]["outcome"] for answer in answers)
    assert outcomes == ["already_resent", "already_resent", "resent"]
    [record] = await raw_records(running, transaction)
    assert (record.key, record.value) == (letter.key, letter.value)
    assert dict(record.headers) == {"fraud_resent_from": f"transactions.dlq:0:{offset}".encode()}
    assert record.partition == letter.partition
    await until(
        lambda: api.get(f"/api/transactions/{transaction['transaction_id']}"),
        lambda answer: answer.status == 200,
    )
    marked = (await stored_letter(api, offset)).body
    assert marked["resent"]["by"] in ("ann", "bob", "cem")
    assert (marked["resent"]["partition"], marked["resent"]["offset"]) == (
        record.partition,
        record.offset,
    )
    assert "sent it again" in marked["cannot_resend"]
    assert await payments_of(api, transaction["user_id"]) == 1


async def test_after_a_crash_between_sending_and_marking_it_stays_one_transaction(
    api, running, database
):
    transaction = fresh()
    [offset] = await write(running, letter_of(transaction))
    await stored_letter(api, offset)
    for outcome in ("resent", "resent"):  # at once: the first decision may not be stored yet
        [result] = (await resend(api, offset)).body["items"]
        await database.execute(
            "UPDATE dead_letters SET resent_at = NULL WHERE letter_offset = $1", offset
        )
        if result["outcome"] != outcome:
            assert "was decided" in result["detail"]
    await everything_stored(api)
    [result] = (await resend(api, offset)).body["items"]
    assert result["outcome"] == "refused"
    assert "was decided" in result["detail"]
    assert await payments_of(api, transaction["user_id"]) == 1


async def test_many_letters_are_answered_one_by_one_in_the_order_asked_for(api, running):
    good, other = fresh(), fresh()
    cut = letter_of(fresh(), value=orjson.dumps({**fresh(), "note": "x" * 600_000}))
    foreign = letter_of(fresh(), topic="somebody.elses")
    offsets = await write(running, letter_of(good), cut, foreign, letter_of(other))
    await stored_letter(api, offsets[-1])
    answer = await resend(api, *offsets, 10**15)
    assert [item["offset"] for item in answer.body["items"]] == [*offsets, 10**15]
    assert [item["outcome"] for item in answer.body["items"]] == [
        "resent",
        "refused",
        "refused",
        "resent",
        "not_found",
    ]
    assert "it was cut" in answer.body["items"][1]["detail"]
    assert "no topic of ours" in answer.body["items"][2]["detail"]


async def test_what_storage_refused_goes_back_to_where_storage_reads_it(api, running):
    decided = await api.decided(fresh())
    records = await read_topic(running.environment["FRAUD_KAFKA__BROKERS"], SCORED)
    mark = decided["transaction_id"].encode()
    scored = next(record for record in records if mark in (record.value or b""))
    letter = letter_of(
        fresh(),
        topic=SCORED,
        partition=scored.partition,
        key=scored.key,
        value=scored.value,
        code="refused_by_database",
    )
    [offset] = await write(running, letter)
    await stored_letter(api, offset)
    [result] = (await resend(api, offset)).body["items"]
    assert result["outcome"] == "resent"
    assert result["detail"].startswith(f"it is at {SCORED} {scored.partition}:")


STRANGE = [
    (None, None, []),
    (b"\x00", b"\xff\xfe\x00" * 50, [("dlq_error_code", b"\x00\x1b[31m\xff")]),
    (b"k", b'{"transaction_id": "a\\u0000b", "user_id": 7}', [("dlq_attempts", b"9" * 30)]),
    (b"k", f'{{"transaction_id": "{CARD}"}}'.encode(), [("dlq_error_message", CARD.encode())]),
    (b"k", b"[" * 5000, [("", b""), ("dlq_original_topic", b"x" * 900)]),
    (b"k", b'{"transaction_id": "\xe2\x80\xae"}', [("dlq_original_timestamp", b"9" * 18)]),
]


async def test_whatever_a_stranger_writes_to_the_topic_is_listed_and_stops_nothing(api, running):
    restarts = running.sinks.restarts
    offsets = await write_foreign(running, *STRANGE)
    transaction = fresh()
    [last] = await write(running, letter_of(transaction))
    await stored_letter(api, last)
    for offset in offsets:
        shown = (await stored_letter(api, offset)).body
        assert CARD not in str(shown)
        assert not {"\x00", "\x1b", "\u202e"} & set(str(shown))
        assert shown["cannot_resend"]
    [result] = (await resend(api, last)).body["items"]
    assert result["outcome"] == "resent"
    await everything_stored(api)
    assert running.sinks.restarts == restarts


async def test_a_record_with_large_headers_and_no_text_is_kept_with_its_place(api, running):
    mark = uuid.uuid4().hex
    value = f'{{"user_id": "{mark}", '.encode() + b"\xff" * 400_000
    sent = await send_raw(running, value, headers=[("trace", b"\xff\x00" * 200_000)])
    place = f"original_partition={sent.partition}&original_offset={sent.offset}"

    async def letters():
        return (await api.get(f"/api/dead-letters?{place}&topic={RAW}")).body["items"]

    [letter] = await until(letters)
    assert (letter["code"], letter["user_id"]) == ("too_large", mark)
    assert letter["original_length"] == len(value) + len(b"k")
    assert len(letter["original_sha256"]) == 64
    assert "cut" in (await stored_letter(api, letter["offset"])).body["cannot_resend"]


async def test_a_record_without_key_and_value_becomes_a_letter_and_stops_nothing(api, running):
    """aiokafka sends no such message; other producers do, as a tombstone of no key."""
    restarts = [worker.restarts for worker in running.workers]
    told = []
    producer = Producer({"bootstrap.servers": running.environment["FRAUD_KAFKA__BROKERS"]})
    for partition in range(PARTITIONS):
        producer.produce(RAW, partition=partition, on_delivery=lambda _, sent: told.append(sent))
    assert await asyncio.to_thread(producer.flush, TIMEOUT_S) == 0
    for sent in told:
        place = f"original_partition={sent.partition()}&original_offset={sent.offset()}"

        async def letters(place=place):
            return (await api.get(f"/api/dead-letters?{place}&topic={RAW}")).body["items"]

        [letter] = await until(letters)
        assert (letter["code"], letter["size"]) == ("empty", 0)
    await everything_stored(api)
    assert [worker.restarts for worker in running.workers] == restarts


@pytest.mark.parametrize("offsets", [[], [-1], ["x"], [2**63], list(range(101)), None])
async def test_what_is_no_list_of_letters_is_refused_with_the_name_of_the_field(api, offsets):
    answer = await api.post("/api/dead-letters/resend", {"offsets": offsets})
    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"].startswith("/offsets")


@pytest.mark.parametrize("path", ["x", "-1", "\u0663", str(2**63), "9" * 400, "%00", "resend"])
async def test_an_address_of_no_letter_is_not_found(api, path):
    assert (await api.get(f"/api/dead-letters/{path}")).status == 404


@pytest.mark.parametrize(
    "query", ["cursor=x", "limit=0", "original_offset=-1", "from=now", "cod=x", "resent=maybe"]
)
async def test_a_filter_that_cannot_be_used_is_refused(api, query):
    assert (await api.get(f"/api/dead-letters?{query}")).status == 422


async def test_without_a_key_nothing_is_shown_or_sent(guarded_address):
    async with aiohttp.ClientSession(guarded_address) as session:
        guarded = ApiClient(session)
        assert (await guarded.get("/api/dead-letters")).status == 401
        assert (await resend(guarded, 0)).status == 401
        allowed = await resend(guarded, 10**15, headers={"Authorization": f"Bearer {KEY}"})
        assert allowed.body["items"][0]["outcome"] == "not_found"


async def fraud_dlq(running, *arguments):
    """Exit code, output and errors of the command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "ignore", "-m", "fraud_app", "dlq", *arguments),
        cwd=ROOT,
        env={**os.environ, **running.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_the_command_lists_shows_and_sends_again(api, running):
    code = f"cli-{uuid.uuid4().hex}"
    first, second = fresh(), fresh()
    cut = letter_of(fresh(), code=code, value=orjson.dumps({**fresh(), "x": "x" * 600_000}))
    letters = (letter_of(first, code=code), letter_of(second, code=code), cut)
    offsets = await write(running, *letters)
    await stored_letter(api, offsets[-1])

    exit_code, output, errors = await fraud_dlq(running, "list", "--code", code, "--json")
    assert exit_code == 0, errors
    listed = [json.loads(line) for line in output.splitlines()]
    assert [letter["offset"] for letter in listed] == offsets[::-1]
    assert listed == (await api.get(f"/api/dead-letters?code={code}")).body["items"]

    exit_code, output, _ = await fraud_dlq(running, "show", str(offsets[0]))
    assert exit_code == 0
    assert first["transaction_id"] in output
    assert letters[0].value.decode() in output

    exit_code, output, _ = await fraud_dlq(running, "resend", "--code", code, "--dry-run")
    assert (exit_code, output) == (0, "")
    exit_code, output, _ = await fraud_dlq(running, "resend", "--code", code, "--yes", "--json")
    results = [json.loads(line) for line in output.splitlines()]
    assert [(result["offset"], result["outcome"]) for result in results] == [
        (offsets[0], "resent"),
        (offsets[1], "resent"),
        (offsets[2], "refused"),
    ]
    assert exit_code == 1, "one could not be sent again"
    for transaction in (first, second):
        await until(
            lambda transaction=transaction: api.get(
                f"/api/transactions/{transaction['transaction_id']}"
            ),
            lambda answer: answer.status == 200,
        )
    exit_code, output, _ = await fraud_dlq(running, "resend", str(offsets[0]))
    assert (exit_code, "already_resent" in output) == (0, True)
    exit_code, output, _ = await fraud_dlq(running, "list", "--code", code)
    assert output.count(str(offsets[0])) >= 1
    assert "SENT AGAIN" in output
    exit_code, _, errors = await fraud_dlq(running, "show", str(10**15))
    assert (exit_code, "no dead letter" in errors) == (1, True)
