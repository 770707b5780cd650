"""Ready means that transactions are decided now, not that a port is open."""

from types import SimpleNamespace

import pytest

from web.api import health


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
    monkeypatch.setattr(health, "app", app_that(rebalancing, assigned_so_far))
    monkeypatch.setattr("fraud_app.kafka.compat.assigned_partitions", lambda *_: {0})
    assert health._worker().status == status


def test_a_rebuild_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr(health, "app", app_that(True, 1, remaining=1200))
    monkeypatch.setattr(health, "user_table", SimpleNamespace(rebuilding=[2]))
    detail = str(health._worker().detail)
    assert "1200 changelog records left" in detail
    assert "the database of partition 2 was damaged" in detail
