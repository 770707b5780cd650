"""Ready means that transactions are decided now, not that a port is open."""

from types import SimpleNamespace

import pytest

from web.api import health


@pytest.mark.parametrize(
    ("rebalancing", "assigned_so_far", "status"),
    [(False, 0, "degraded"), (True, 1, "degraded"), (False, 1, "ok")],
)
def test_a_worker_is_ready_after_its_first_assignment(
    monkeypatch, rebalancing, assigned_so_far, status
):
    state = SimpleNamespace(rebalancing=rebalancing, rebalancing_count=assigned_so_far)
    monkeypatch.setattr(health, "app", state)
    monkeypatch.setattr("fraud_app.kafka.compat.assigned_partitions", lambda *_: {0})
    assert health._worker().status == status
