"""What a worker knows of itself: ready means that transactions are decided now, not that a port is
open; and Redis is not well when decisions do without it.
"""

from types import SimpleNamespace

import pytest

from fraud_app import worker_state
from fraud_app.recent_decisions import RecentDecisions
from fraud_app.worker_state import DEGRADED_SHARE, overall
from web.schemas.health import Check


def app_that(rebalancing, assigned_so_far, remaining=0):
    recovery = SimpleNamespace(active_remaining_total=lambda: remaining)
    return SimpleNamespace(
        rebalancing=rebalancing,
        rebalancing_count=assigned_so_far,
        tables=SimpleNamespace(recovery=recovery),
    )


@pytest.mark.parametrize(
    ("rebalancing", "assigned_so_far", "status"),
    [(False, 0, "degraded"), (True, 1, "degraded"), (False, 1, "ok")],
)
def test_a_worker_is_ready_after_its_first_assignment(
    monkeypatch, rebalancing, assigned_so_far, status
):
    monkeypatch.setattr(worker_state, "app", app_that(rebalancing, assigned_so_far))
    monkeypatch.setattr("fraud_app.kafka.compat.assigned_partitions", lambda *_: {0})
    assert worker_state.worker().status == status


def test_a_rebuild_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr(worker_state, "app", app_that(True, 1, remaining=1200))
    monkeypatch.setattr(worker_state, "user_table", SimpleNamespace(rebuilding=[2]))
    detail = str(worker_state.worker().detail)
    assert "1200 changelog records left" in detail
    assert "the database of partition 2 was damaged" in detail


@pytest.mark.parametrize(
    ("without", "status"),
    [(0, "ok"), (1, "ok"), (100 * DEGRADED_SHARE, "degraded"), (100, "degraded")],
)
def test_redis_is_not_well_while_decisions_are_made_without_it(monkeypatch, without, status):
    recent = RecentDecisions()
    recent.add(100, ["redis"] * int(without))
    monkeypatch.setattr(worker_state, "recent_decisions", recent)
    check = worker_state.redis()
    assert check.status == status
    assert bool(check.detail) == bool(without)


def check(status):
    return Check(status=status)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({"worker": check("ok"), "redis": check("ok")}, "ok"),
        ({"worker": check("ok"), "redis": check("down")}, "degraded"),
        ({"worker": check("degraded"), "redis": check("ok")}, "degraded"),
        ({"worker": check("down"), "redis": check("ok")}, "down"),
        ({"worker": check("ok"), "kafka": check("down")}, "down"),
    ],
)
def test_only_what_stops_scoring_takes_a_worker_down(found, status):
    assert overall(found) == status
