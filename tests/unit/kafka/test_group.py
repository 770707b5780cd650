"""An application that lost its group for whatever reason joins it again by itself."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaError

from fraud_app.kafka import group
from fraud_app.kafka.group import is_member, stay_in_group
from tests.support.api_client import TIMEOUT_S, until


class Coordinator:
    """The parts of aiokafka's coordinator that matter. Each entry of `ends` is how its routine ends
    the next time; after the last one it runs on.
    """

    def __init__(self, *ends):
        self._closing = asyncio.get_running_loop().create_future()
        self._ends, self.pushed = list(ends), None
        self.joins, self.joined = 0, asyncio.Event()
        self._coordination_task = asyncio.ensure_future(self._coordination_routine())

    async def _coordination_routine(self):
        if self._ends:
            raise self._ends.pop(0)
        await self._closing

    def check_errors(self):
        error, self.pushed = self.pushed, None
        if error is not None:
            raise error

    def reset_generation(self):
        self.joins += 1
        self.joined.set()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(group, "LOOK_EVERY_S", 0.001)


async def closed(coordinator, staying):
    coordinator._closing.set_result(None)
    await asyncio.wait_for(staying, TIMEOUT_S)


async def test_an_error_that_coordination_waits_with_is_taken_and_the_group_joined_again():
    coordinator = Coordinator()
    coordinator.pushed = KafkaError("Unexpected error in join group")
    staying = asyncio.ensure_future(stay_in_group(coordinator))
    await asyncio.wait_for(coordinator.joined.wait(), TIMEOUT_S)
    assert coordinator.pushed is None, "coordination goes on when somebody has asked for its error"
    await closed(coordinator, staying)


@pytest.mark.parametrize("end", [KafkaError("x"), AssertionError("y"), asyncio.CancelledError()])
async def test_coordination_that_ended_is_started_again_until_it_runs(end):
    coordinator = Coordinator(end, end)
    staying = asyncio.ensure_future(stay_in_group(coordinator))

    async def started_again():
        return coordinator.joins == 2 and not coordinator._coordination_task.done()

    await until(started_again)
    await closed(coordinator, staying)


async def test_a_consumer_that_stops_is_left_alone():
    coordinator = Coordinator()
    staying = asyncio.ensure_future(stay_in_group(coordinator))
    await closed(coordinator, staying)
    assert coordinator.joins == 0


class Client:
    """The producer's client, whose broker has one group with one member."""

    async def coordinator_lookup(self, coordinator_type, group_id):
        return 1

    async def send(self, node, request):
        group = {"error_code": 0, "members": [{"member_id": "member-1"}]}
        return SimpleNamespace(to_object=lambda: {"groups": [group]})


@pytest.mark.parametrize(("member_id", "expected"), [("member-1", True), ("", False)])
async def test_whether_it_is_a_member_is_told_while_the_consumer_hangs(member_id, expected):
    """Seen after a broker that was frozen and then killed: the consumer looked for its coordinator
    for ever, and nobody noticed that it read nothing.
    """
    consumer = SimpleNamespace(
        _coordinator=SimpleNamespace(
            group_id="fraud-feed",
            member_id=member_id,
            ensure_coordinator_known=asyncio.Event().wait,
        )
    )
    app = SimpleNamespace(
        consumer=SimpleNamespace(_thread=SimpleNamespace(_ensure_consumer=lambda: consumer)),
        producer=SimpleNamespace(_ensure_producer=lambda: SimpleNamespace(client=Client())),
    )
    assert await asyncio.wait_for(is_member(app), TIMEOUT_S) is expected
