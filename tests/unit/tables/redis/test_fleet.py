"""The fleet is as well as its worst part."""

import pytest

from tables.redis.fleet import judge, unowned, worst
from tables.redis.heartbeat import SILENT_AFTER_S, Heartbeat

NOW = 1_764_000_000.0
WELL = {"scoring": [0, 1], "storage": [0, 1], "feed": [0, 1]}


def beat(role="scoring", **fields):
    return Heartbeat(
        **{
            "id": "one",
            "role": role,
            "at": NOW - 1,
            "started": NOW - 100,
            "version": "1",
            "partitions": WELL[role],
            "lag": 0,
            "to_recover": 0,
            **fields,
        }
    )


def fleet(**scoring):
    return [beat(**scoring), beat("storage"), beat("feed")]


def test_a_fleet_without_faults_is_ok():
    assert judge(fleet(), 2, NOW) == ("ok", [])


def test_a_spare_worker_without_partitions_is_no_fault():
    assert judge([*fleet(), beat(id="two", partitions=[])], 2, NOW) == ("ok", [])


def test_the_state_of_another_worker_is_the_fleets():
    ill = beat(id="two", partitions=[], status="down", detail="worker: scoring has stopped")
    assert judge([*fleet(), ill], 2, NOW) == (
        "down",
        ["scoring two: worker: scoring has stopped"],
    )


def test_a_silent_process_is_named_with_what_it_leaves_behind():
    silent = fleet(at=NOW - SILENT_AFTER_S - 5)
    status, faults = judge([*silent, beat(id="two", partitions=[1])], 2, NOW)
    assert status == "degraded"
    assert faults == ["scoring one: silent for 15 s", "nobody scores partition 0"]


@pytest.mark.parametrize(
    ("role", "status", "fault"),
    [
        ("scoring", "down", "no process scores"),
        ("storage", "degraded", "no process stores decisions"),
        ("feed", "degraded", "no process fills the live feed"),
    ],
)
def test_a_role_that_nobody_has_is_a_fault(role, status, fault):
    left = [each for each in fleet() if each.role != role]
    assert judge(left, 2, NOW) == (status, [fault])


def test_partitions_of_a_silent_worker_have_no_owner():
    assert unowned([beat(at=NOW - 60)], 2, NOW) == [0, 1]


def test_the_worst_state_wins_and_an_unknown_one_is_no_health():
    assert worst() == worst("ok", "ok") == "ok"
    assert worst("ok", "degraded") == worst("ok", "something new") == "degraded"
    assert worst("down", "degraded") == "down"
