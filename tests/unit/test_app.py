"""The rows that a worker copies to Redis are those of the transactions it decides."""

from importlib import import_module
from types import SimpleNamespace

from faust.types import TP

from fraud_app.topics import RAW

wiring = import_module("fraud_app.app")  # the package gives the application under this name


def test_the_first_worker_owns_rows_before_the_changelog_is_among_its_partitions(monkeypatch):
    rows = {0: [("ann", b"1")], 3: [("bob", b"2")], 2: [("of another worker", b"3")]}
    assigned = {TP(RAW, 0), TP(RAW, 3), TP("an-old-topic", 2)}
    assignor = SimpleNamespace(assigned_actives=lambda: assigned)
    monkeypatch.setattr(wiring, "app", SimpleNamespace(assignor=assignor))
    monkeypatch.setattr(wiring.user_table, "rows", lambda partition: iter(rows[partition]))
    assert sorted(wiring.own_rows()) == [("ann", b"1"), ("bob", b"2")]
