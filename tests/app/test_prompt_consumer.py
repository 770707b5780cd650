"""When the broker is asked; and a thread's service as a task of the same loop."""

import asyncio
import threading

from mode.threads import QueueServiceThread

from fraud_app.prompt_consumer import PromptConsumer, SameLoop, _when


async def test_the_broker_is_asked_when_the_agent_waits_and_not_before():
    idle, asked = asyncio.Event(), []

    async def fetch(*request):
        asked.append(request)
        return True

    waiting = asyncio.create_task(_when(idle, fetch)("assignment", 0, "request"))
    await asyncio.sleep(0)
    assert not asked
    idle.set()
    assert await asyncio.wait_for(waiting, 1)
    assert asked == [("assignment", 0, "request")]


async def test_a_request_that_is_no_longer_wanted_ends_as_one_that_brought_nothing():
    async def fetch(*request):
        raise AssertionError("its partitions have moved")

    waiting = asyncio.create_task(_when(asyncio.Event(), fetch)("assignment", 0, "request"))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await asyncio.wait_for(waiting, 1) is False


class Served(QueueServiceThread):
    Worker = SameLoop
    call_thread = PromptConsumer.call_thread
    _gather_remaining_tasks = PromptConsumer._gather_remaining_tasks
    stopped_in = None

    async def on_thread_stop(self):
        await super().on_thread_stop()
        self.stopped_in = threading.get_ident()


async def test_the_service_lives_and_ends_in_the_loop_that_started_it():
    loop = asyncio.get_running_loop()
    service = Served(loop=loop, thread_loop=loop)
    bystander = asyncio.create_task(asyncio.sleep(60))
    await service.start()

    async def where():
        return threading.get_ident(), asyncio.get_running_loop()

    assert await service.call_thread(where) == (threading.get_ident(), loop)
    await service.stop()
    assert service.stopped_in == threading.get_ident()
    assert not bystander.done()
    bystander.cancel()
