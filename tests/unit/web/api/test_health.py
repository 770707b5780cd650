"""The fleet as this worker sees it, and readiness."""

from types import SimpleNamespace

import pytest
from aiohttp.test_utils import make_mocked_request

from fraud_app import worker_state
from fraud_app.resources import config
from tables.redis.heartbeat import Heartbeat
from web.api import health
from web.api.health import fleet_of
from web.schemas.health import Check

NOW = 1_764_000_000.0


def beat(role="scoring", **fields):
    return Heartbeat(
        **{
            "id": f"another-{role}",
            "role": role,
            "at": NOW,
            "started": NOW,
            "version": "1",
            "partitions": list(range(config.kafka.partitions)),
            "lag": 0,
            "to_recover": 0,
            **fields,
        }
    )


SINKS = [beat("storage"), beat("feed")]


def test_another_workers_fault_is_the_fleets():
    heartbeats = [beat(status="degraded", detail="model: none"), *SINKS]
    found = fleet_of(heartbeats, "ok", NOW)
    assert (found.status, found.detail) == ("degraded", "scoring another-scoring: model: none")


def test_of_itself_a_worker_knows_more_than_its_heartbeat():
    mine = beat(id=config.worker_id, status="down", detail="of two seconds ago")
    assert fleet_of([mine, *SINKS], "ok", NOW) == Check(status="ok")
    assert fleet_of([mine, *SINKS], "down", NOW).status == "down"


@pytest.mark.parametrize(("own", "status"), [("ok", "degraded"), ("down", "down")])
def test_without_redis_only_this_worker_is_known(own, status):
    assert fleet_of(None, own, NOW) == Check(status=status, detail="only this worker is known")


@pytest.mark.parametrize(("scorer", "status"), [(None, 503), (SimpleNamespace(reference="m"), 200)])
async def test_a_worker_without_a_first_model_is_not_ready(monkeypatch, scorer, status):
    monkeypatch.setattr(worker_state, "worker", lambda: Check(status="ok", detail="4 of 4"))
    monkeypatch.setattr(
        worker_state, "champion", SimpleNamespace(scorer=scorer, error="no such folder")
    )
    answer = await health.readyz(make_mocked_request("GET", "/readyz"))
    assert answer.status == status
    assert isinstance(answer.text, str)
    assert ("no such folder" in answer.text) == (scorer is None)
