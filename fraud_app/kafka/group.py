"""Keeps an application in its consumer group, and asks the broker whether it is.

aiokafka's coordination stops for good when a broker that starts or stops gives it an answer that it
does not expect: it waits until somebody asks for the error, and Faust never asks. The group is then
empty while the process runs, reads nothing and says nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import faust
from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest

from fraud_app.kafka.producer import client_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Also the pause before the group is joined again after an error."""
ANSWER_S = 5.0
"""Longest wait for the coordinator to describe the group."""


async def stay_in_group(coordinator: Any) -> None:
    """Join the group again whenever coordination stopped because of an error, until it is closed.

    `coordinator`: aiokafka's `GroupCoordinator`.
    """
    while not coordinator._closing.done():
        await asyncio.sleep(LOOK_EVERY_S)
        if (error := _error_of(coordinator)) is not None:
            log.warning("group_joined_again", extra={"error": f"{type(error).__name__}: {error}"})
            # Its heartbeats may have ended with the error: as a new member it starts them anew, and
            # what waits for a heartbeat (see `membership`) learns that there will be none.
            coordinator.reset_generation()
            if coordinator._coordination_task.done() and not coordinator._closing.done():
                coordinator._coordination_task = asyncio.ensure_future(
                    coordinator._coordination_routine()
                )


def _error_of(coordinator: Any) -> BaseException | None:
    """The error that coordination waits or ended with, if there is one. Lets it go on."""
    task: asyncio.Task[None] = coordinator._coordination_task
    if task.done():
        if coordinator._closing.done():
            return None
        return asyncio.CancelledError() if task.cancelled() else task.exception()
    try:
        coordinator.check_errors()
    except KafkaError as pushed:
        return cast(BaseException, pushed)
    return None


async def is_member(app: faust.App) -> bool:
    """Whether the broker counts this application as a member of its group.

    Asked over the producer's connections: the consumer's may be what hangs. Raises `KafkaError`,
    `NotReady` or `TimeoutError` when no broker says so.
    """
    coordinator = cast(Any, app.consumer)._thread._ensure_consumer()._coordinator
    client = client_of(app)
    group_id = coordinator.group_id
    async with asyncio.timeout(ANSWER_S):
        node = await client.coordinator_lookup(CoordinationType.GROUP, group_id)
        answer = await client.send(node, DescribeGroupsRequest([group_id]))
    [group] = answer.to_object()["groups"]
    if group["error_code"]:
        raise for_code(group["error_code"])()
    return coordinator.member_id in {member["member_id"] for member in group["members"]}
