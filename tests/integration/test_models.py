"""Models in the running system: swapped without a stop, refused with a reason, tried in the shadow,
fed by what became known.
"""

import asyncio
import shutil
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

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
from tests.support.builders import payload

NAME = "fraud-lgbm"


def fresh(**fields):
    mark = uuid.uuid4().hex
    return payload(**{"transaction_id": f"t-{mark}", "user_id": f"u-{mark}", **fields})


@pytest.fixture
def models(running):
    """The registry of the running workers; its aliases are as before afterwards."""
    store = Path(running.environment["FRAUD_MODEL__DIR"])
    before = registry.version_of(store, NAME)
    yield store
    registry.set_alias(store, NAME, registry.CHAMPION, before)
    registry.set_alias(store, NAME, registry.CHALLENGER, None)


@pytest.fixture
def copied(models):
    """Another version, the same but for its name."""
    version = f"copy-{uuid.uuid4().hex[:8]}"
    shutil.copytree(models / NAME / registry.version_of(models, NAME), models / NAME / version)
    return version


@pytest_asyncio.fixture
async def producer(running):
    made = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def database(running):
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        yield connection
    finally:
        await connection.close()


async def send(producer, made):
    await asyncio.gather(
        *[
            await producer.send(topics.RAW, orjson.dumps(one), key=one["user_id"].encode())
            for one in made
        ]
    )


async def stored(running, made):
    async with database(running) as connection:

        async def count():
            return await connection.fetchval(
                "SELECT count(*) FROM transactions WHERE transaction_id = ANY($1)",
                [one["transaction_id"] for one in made],
            )

        await until(count, lambda found: found == len(made), 60)
        return await connection.fetch(
            "SELECT transaction_id, model, decision FROM transactions WHERE transaction_id = ANY($1)",
            [one["transaction_id"] for one in made],
        )


async def test_another_champion_decides_within_seconds_and_nothing_is_lost(
    running, api, other_api, models, copied, producer
):
    old, made = registry.version_of(models, NAME), [fresh() for _ in range(1500)]
    for start in range(0, len(made), 50):
        await send(producer, made[start : start + 50])
        if start == 500:
            registry.set_alias(models, NAME, registry.CHAMPION, copied)
        await asyncio.sleep(0.1)  # 500 a second: the load, not a condition
    for one in (api, other_api):
        await until(
            lambda one=one: one.get("/api/model"),
            lambda answer: f":{copied}@" in answer.body["model"],
        )
    after = [fresh() for _ in range(50)]
    await send(producer, after)
    found = await stored(running, made)
    assert {row["model"] for row in found} == {f"{NAME}:{old}", f"{NAME}:{copied}"}
    assert {row["model"] for row in await stored(running, after)} == {f"{NAME}:{copied}"}
    told = await api.decided(fresh())
    assert told["model"] == {
        "name": NAME,
        "version": copied,
        "digest": registry.read(models / NAME / copied).digest,
    }


async def test_a_damaged_version_is_refused_and_the_old_one_goes_on(api, models, copied):
    old = registry.version_of(models, NAME)
    registry.set_alias(models, NAME, registry.CHAMPION, copied)
    await until(lambda: api.get("/api/model"), lambda answer: f":{copied}@" in answer.body["model"])
    registry.set_alias(models, NAME, registry.CHAMPION, old)
    await until(lambda: api.get("/api/model"), lambda answer: f":{old}@" in answer.body["model"])
    (models / NAME / copied / "thresholds.json").write_text("{}")
    (models / NAME / "aliases.json").write_bytes(orjson.dumps({registry.CHAMPION: copied}))
    refused = await until(lambda: api.get("/api/model"), lambda answer: bool(answer.body["error"]))
    assert "thresholds.json" in refused.body["error"]
    assert f":{old}@" in refused.body["model"]
    assert (await api.decided(fresh()))["model"]["version"] == old
    versions = {one["version"]: one for one in (await api.get("/api/models")).body["versions"]}
    assert "sha256" in versions[copied]["error"]


async def test_a_challenger_scores_the_same_in_the_shadow(running, api, models, copied, producer):
    registry.set_alias(models, NAME, registry.CHALLENGER, copied)

    async def shadowed():
        await api.decided(fresh())
        return (await api.get("/api/models")).body["shadow"]

    report = await until(shadowed, lambda shadow: shadow and shadow["transactions"] > 0, 60)
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
    async with database(running) as connection:

        async def frauds():
            history = await training_history.load(connection)
            served = np.array(
                [np.nan if value is None else value for value in fraud["features"]],
                dtype=np.float32,
            )
            return [
                one
                for one in np.flatnonzero(history.fraud)
                if np.array_equal(history.features[one], served, equal_nan=True)
            ]

        assert len(await until(frauds)) == 1
        history = await training_history.load(connection)
        assert not history.fraud.all()
        assert (np.diff(history.at_ms) >= 0).all()


async def test_drift_is_measured_from_what_is_stored(running, api, models, producer):
    made = [fresh(amount="4999.00") for _ in range(drift.MIN_TRANSACTIONS)]
    await send(producer, made)
    await stored(running, made)
    files = registry.read(models / NAME / registry.version_of(models, NAME))
    model = f"{NAME}:{files.version}"
    async with database(running) as connection:
        traffic = await drift.latest_traffic(connection, model)
        await drift.store(connection, model, drift.measure(files, traffic), len(traffic))
    report = (await api.get("/api/models/drift")).body
    by_name = {one["feature"]: one for one in report["features"]}
    assert report["transactions"] >= drift.MIN_TRANSACTIONS
    assert by_name["amount"]["psi"] > 0.2
    assert report["features"][0]["psi"] == max(one["psi"] for one in report["features"])
    metrics = (
        await until(
            lambda: api.get("/metrics"), lambda answer: "fraud_feature_psi{" in answer.body, 60
        )
    ).body
    assert 'fraud_feature_missing_ratio{feature="amount"}' in metrics
