"""Signals that cross users: who else is on this device, address or card, and how busy the merchant
is. In Redis.

One script call takes a whole batch in and gives its signals, as of each event's own time: one round
trip. Taking the same event in twice changes nothing, so a redelivery does not count. The offline
twin is `ml/profile/cross_user_signals.py`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from ml.profile.cross_user_signals import (
    FIRST_SEEN_SPAN_MS,
    MAX_USERS,
    RATE_BUCKET_MS,
    merchant_rate,
)
from ml.profile.event import Event, Signals
from ml.profile.windows import DAY_MS
from tables.redis.client import RedisClient, RedisUnavailable

PREFIX = "shared:"

# An argument an event: user, device, ip, card, time, merchant, transaction. A user who was seen
# within the span keeps the first time, and nothing else changes: that is the common case and costs
# two commands. LT keeps the earlier of two times.
_FIELDS = "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$"
OBSERVE = f"""
local answers = {{}}
local span, most = {FIRST_SEEN_SPAN_MS}, {MAX_USERS}
for _, event in ipairs(ARGV) do
  local user, device, ip, card, time, merchant, transaction = string.match(event, '{_FIELDS}')
  local now, hashes = tonumber(time), {{device, ip, card}}
  local oldest = now - span
  for place, kind in ipairs({{'d', 'i', 'c'}}) do
    local hash = hashes[place]
    if hash == '0' then
      answers[#answers + 1] = -1
    else
      local key = '{PREFIX}' .. kind .. ':' .. hash
      local first = tonumber(redis.call('ZSCORE', key, user) or oldest)
      if first <= oldest or now < first then
        redis.call('ZREMRANGEBYSCORE', key, '-inf', oldest)
        redis.call('ZADD', key, 'LT', now, user)
        redis.call('ZREMRANGEBYRANK', key, most, -1)
        redis.call('PEXPIRE', key, span)
      end
      answers[#answers + 1] = redis.call('ZCOUNT', key, '(' .. oldest, '(' .. time)
    end
  end
  local base = '{PREFIX}m:' .. merchant .. ':'
  local bucket, day = math.floor(now / {RATE_BUCKET_MS}), math.floor(now / {DAY_MS})
  local this, today = base .. 'b' .. bucket, base .. 'd' .. day
  if redis.call('PFADD', this, transaction) == 1 then redis.call('PEXPIRE', this, {3 * RATE_BUCKET_MS}) end
  if redis.call('PFADD', today, transaction) == 1 then redis.call('PEXPIRE', today, {2 * DAY_MS}) end
  answers[#answers + 1] = redis.call('PFCOUNT', this, base .. 'b' .. (bucket - 1))
  answers[#answers + 1] = redis.call('PFCOUNT', base .. 'd' .. (day - 1))
end
return answers
"""
# The same without taking anything in, for /score.
_PEEK = f"""
local answers = {{}}
for _, event in ipairs(ARGV) do
  local user, device, ip, card, time, merchant, transaction = string.match(event, '{_FIELDS}')
  local now, hashes = tonumber(time), {{device, ip, card}}
  for place, kind in ipairs({{'d', 'i', 'c'}}) do
    local hash = hashes[place]
    answers[#answers + 1] = hash == '0' and -1
      or redis.call('ZCOUNT', '{PREFIX}' .. kind .. ':' .. hash, '(' .. (now - {FIRST_SEEN_SPAN_MS}), '(' .. time)
  end
  local base = '{PREFIX}m:' .. merchant .. ':'
  local bucket, day = math.floor(now / {RATE_BUCKET_MS}), math.floor(now / {DAY_MS})
  answers[#answers + 1] = redis.call('PFCOUNT', base .. 'b' .. bucket, base .. 'b' .. (bucket - 1)) + 1
  answers[#answers + 1] = redis.call('PFCOUNT', base .. 'd' .. (day - 1))
end
return answers
"""
READY_S = 1.0


class SignalStore:
    """The shared memory; every answer is missing while Redis is away or late."""

    def __init__(self, link: RedisClient, deadline_ms: float) -> None:
        self._link = link
        self._deadline_s = deadline_ms / 1000
        self._observe = link.script(OBSERVE)
        # Over the pool: requests come side by side, and one connection takes them one by one.
        self._peek = link.client.register_script(_PEEK)

    async def get_ready(self) -> None:
        """Connect and leave the script with Redis: the first payments would miss their deadline
        over it.
        """
        with suppress(RedisUnavailable):
            await self._link.call(self._observe([]), READY_S)

    async def observe(self, events: Sequence[tuple[Event, int]]) -> list[Signals] | None:
        """Take (event, user hash) pairs in and give their signals; None when Redis did not answer
        in time.
        """
        return await self._ask(self._observe, events)

    async def peek(self, events: Sequence[tuple[Event, int]]) -> list[Signals] | None:
        """The signals that these events would get; nothing is changed."""
        return await self._ask(lambda given: self._peek(args=given), events)

    async def _ask(
        self, script: Callable[[Sequence[str]], Awaitable[Any]], events: Sequence[tuple[Event, int]]
    ) -> list[Signals] | None:
        if not events:
            return []
        try:
            answer = await self._link.call(script(arguments(events)), self._deadline_s)
        except RedisUnavailable:
            return None
        return answers(answer)


def arguments(events: Sequence[tuple[Event, int]]) -> list[str]:
    """What the scripts are called with, one argument an event and its user's hash."""
    return [
        f"{user} {event.device} {event.ip} {event.card} {event.received_ms} {event.merchant} {event.id_hash}"
        for event, user in events
    ]


def answers(answer: Sequence[int]) -> list[Signals]:
    """What the scripts answer, one an event."""
    return [_shared(answer[at : at + 5]) for at in range(0, len(answer), 5)]


def _shared(answer: Sequence[int]) -> Signals:
    device, ip, card, recent, yesterday = answer
    return Signals(_known(device), _known(ip), _known(card), merchant_rate(recent, yesterday))


def _known(count: int) -> float:
    return math.nan if count < 0 else float(count)
