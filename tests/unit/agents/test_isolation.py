"""One item that cannot be processed stops nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.isolation import process_in_halves


class Work:
    """Items that fail as often as the test says, and what was done with all of them."""

    def __init__(self, failures):
        self.failures = dict(failures)
        self.applied, self.refused, self.calls = [], [], 0

    async def prepare(self, items):
        self.calls += 1
        for item in items:
            if self.failures.get(item, 0) > 0:
                self.failures[item] -= 1
                raise ValueError(item)
        return [f"prepared {item}" for item in items]

    async def apply(self, items, prepared):
        assert prepared == [f"prepared {item}" for item in items]
        self.applied += items

    async def refuse(self, item, error):
        assert str(error) == str(item)
        self.refused.append((item, len(self.applied)))
        return True

    async def run(self, items):
        await process_in_halves(items, self.prepare, self.apply, self.refuse)


@given(st.integers(0, 40), st.sets(st.integers(0, 39)))
async def test_every_item_is_applied_or_refused_once_and_in_order(count, poison):
    work = Work(dict.fromkeys(poison, 1000))
    items = list(range(count))
    await work.run(items)
    bad = [item for item in items if item in poison]
    assert work.applied == [item for item in items if item not in poison]
    assert [item for item, _ in work.refused] == bad
    for item, applied_before in work.refused:
        assert applied_before == len([good for good in items[:item] if good not in poison])


async def test_a_batch_without_poison_is_prepared_once():
    work = Work({})
    await work.run(list(range(64)))
    assert work.calls == 1


async def test_what_fails_with_its_batch_and_not_alone_is_applied():
    work = Work({3: 3})  # as a whole batch, in its half, and in the next half
    await work.run([1, 2, 3, 4])
    assert (work.applied, work.refused) == ([1, 2, 3, 4], [])


async def test_what_is_not_dealt_with_is_tried_until_it_succeeds():
    work = Work({1: 5})
    asked = []

    async def not_yet(item, error):
        asked.append(item)
        return False

    await process_in_halves([1], work.prepare, work.apply, not_yet)
    assert work.applied == [1]
    assert len(asked) == 4


async def test_a_failure_of_the_effects_is_nobodys_poison():
    work = Work({})

    async def no_broker(items, prepared):
        raise OSError("no broker")

    with pytest.raises(OSError, match="no broker"):
        await process_in_halves([1, 2], work.prepare, no_broker, work.refuse)
    assert work.refused == []


async def test_memory_is_no_items_fault():
    async def exhausted(items):
        raise MemoryError

    work = Work({})
    with pytest.raises(MemoryError):
        await process_in_halves([1, 2], exhausted, work.apply, work.refuse)
    assert work.refused == []
