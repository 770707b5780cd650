"""Models in the running system: replaced without a stop, refused with a reason, tried as a
challenger, and trained on what became known later.
"""

import asyncio
import shutil
import uuid
from contextlib import asynccontextmanager

import asyncpg
import numpy as np
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from fraud_app import topics
from fraud_app.postgres import drift, training_history
from ml.serving import registry
from tests.support.api_client import until
from tests.support.builders import fresh
from tests.support.models import NAME, point_at, registry_of, version_decides


@pytest_asyncio.fixture
async def models(running):
    """The registry of the running workers; afterwards its aliases are as before, and the workers
    have followed them.
    """
    store = registry_of(running)
    before = registry.version_of(store, NAME)
    yield store
    registry.set_alias(store, NAME, registry.CHAMPION, before)
    registry.set_alias(store, NAME, registry.CHALLENGER, None)
    await version_decides(running, before)


@pytest.fixture
def copied(models):
    """Another version, the same but for its name."""
    version = f"copy-{uuid.uuid4().hex[:8]}"
    shutil.copytree(models / NAME / registry.version_of(models, NAME), models / NAME / version)
    return version


@pytest_asyncio.fixture
async def producer(running):
    producer = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()
    yield producer
    await producer.stop()


@asynccontextmanager
async def database(running):
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        yield connection
    finally:
        await connection.close()


async def send(producer, transactions):
    await asyncio.gather(
        *[
            await producer.send(
                topics.RAW, orjson.dumps(transaction), key=transaction["user_id"].encode()
            )
            for transaction in transactions
        ]
    )


async def stored(running, transactions):
    """Wait until all of them are stored, and return their rows."""
    identities = [transaction["transaction_id"] for transaction in transactions]
    async with database(running) as connection:

        async def rows():
            return await connection.fetch(
                "SELECT transaction_id, model, decision FROM transactions"
                " WHERE transaction_id = ANY($1)",
                identities,
            )

        return await until(rows, lambda rows: len(rows) == len(identities))


async def test_another_champion_decides_within_seconds_and_nothing_is_lost(
    running, api, models, copied, producer
):
    old, sent = registry.version_of(models, NAME), []

    async def send_some():
        transactions = [fresh() for _ in range(50)]
        await send(producer, transactions)
        sent.extend(transactions)
        await asyncio.sleep(0.1)  # 500 a second: the load, not a condition

    await send_some()
    await stored(running, sent)
    for _ in range(9):
        await send_some()
    registry.set_alias(models, NAME, registry.CHAMPION, copied)
    followed = asyncio.create_task(version_decides(running, copied))
    while not followed.done() or len(sent) < 1500:
        await send_some()
    await followed
    await send_some()
    after = [fresh() for _ in range(50)]
    await send(producer, after)
    rows = await stored(running, sent)
    assert {row["model"] for row in rows} == {f"{NAME}:{old}", f"{NAME}:{copied}"}
    assert {row["model"] for row in await stored(running, after)} == {f"{NAME}:{copied}"}
    scored = await api.decided(fresh())
    assert scored["model"] == {
        "name": NAME,
        "version": copied,
        "digest": registry.read(models / NAME / copied).digest,
    }


async def test_a_damaged_version_is_refused_and_the_old_one_goes_on(running, api, models, copied):
    old = registry.version_of(models, NAME)
    registry.set_alias(models, NAME, registry.CHAMPION, copied)
    await version_decides(running, copied)
    registry.set_alias(models, NAME, registry.CHAMPION, old)
    await version_decides(running, old)
    (models / NAME / copied / "thresholds.json").write_text("{}")
    point_at(models, registry.CHAMPION, copied)
    refused = await until(
        lambda: api.get("/api/model"), lambda answer: "thresholds.json" in answer.body["error"]
    )
    assert f":{old}@" in refused.body["model"]
    assert (await api.decided(fresh()))["model"]["version"] == old
    versions = {
        version["version"]: version for version in (await api.get("/api/models")).body["versions"]
    }
    assert "sha256" in versions[copied]["error"]


async def test_a_challenger_scores_the_same_transactions_without_deciding_them(
    api, models, copied, producer
):
    registry.set_alias(models, NAME, registry.CHALLENGER, copied)

    async def shadowed():
        await api.decided(fresh())
        return (await api.get("/api/models")).body["shadow"]

    report = await until(shadowed, lambda shadow: shadow["transactions"] > 0)
    assert (report["model"], report["same"], report["stricter"], report["laxer"]) == (
        f"{NAME}:{copied}",
        1.0,
        0,
        0,
    )
    assert report["shift"] == pytest.approx(0, abs=1e-6)
    fraud = await api.decided((await api.get("/api/samples/fraud")).body)
    label = {"transaction_id": fraud["transaction_id"], "is_fraud": True, "source": "chargeback"}
    await producer.send_and_wait(
        topics.LABELS, orjson.dumps(label), key=fraud["transaction_id"].encode()
    )
    labelled_too = await until(shadowed, lambda shadow: shadow["labelled"] > 0)
    assert labelled_too["champion"] == labelled_too["challenger"]
    assert labelled_too["champion"]["average_precision"] == 1.0


async def test_what_is_stored_can_be_trained_on_with_the_features_as_served(running, api, producer):
    honest, fraud = (
        await api.decided(fresh()),
        await api.decided((await api.get("/api/samples/fraud")).body),
    )
    for source, verdict in (("analyst", False), ("chargeback", True)):
        label = {"transaction_id": fraud["transaction_id"], "is_fraud": verdict, "source": source}
        await producer.send_and_wait(
            topics.LABELS, orjson.dumps(label), key=fraud["transaction_id"].encode()
        )
    await stored(running, [honest, fraud])
    served = np.array(
        [np.nan if value is None else value for value in fraud["features"]], dtype=np.float32
    )
    async with database(running) as connection:

        async def frauds():
            history, _ = await training_history.load(connection)
            return [
                row
                for row in np.flatnonzero(history.fraud)
                if np.array_equal(history.features[row], served, equal_nan=True)
            ]

        assert len(await until(frauds)) == 1
        history, _ = await training_history.load(connection)
        assert not history.fraud.all()
        assert (np.diff(history.at_ms) >= 0).all()


async def test_drift_is_measured_from_what_is_stored(running, api, models, producer):
    sent = [fresh(amount="4999.00") for _ in range(drift.MIN_TRANSACTIONS)]
    await send(producer, sent)
    await stored(running, sent)
    files = registry.read_alias(models, NAME)
    model = f"{NAME}:{files.version}"
    async with database(running) as connection:
        traffic = await drift.latest_traffic(connection, model)
        await drift.store(connection, model, drift.measure(files, traffic), len(traffic))
    report = (await api.get("/api/models/drift")).body
    by_name = {feature["feature"]: feature for feature in report["features"]}
    assert report["transactions"] >= drift.MIN_TRANSACTIONS
    assert by_name["amount"]["psi"] > 0.2
    largest = max(feature["psi"] for feature in report["features"])
    assert report["features"][0]["psi"] == largest
    for name in ("fraud_feature_psi{", 'fraud_feature_missing_ratio{feature="amount"}'):
        # The workers read the latest measurement at intervals.
        await until(lambda: api.get("/metrics"), lambda answer, name=name: name in answer.body)
