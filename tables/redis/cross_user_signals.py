"""Signals that cross users, in Redis: who else uses this device, address or card, and how busy the
merchant is.

One script call takes a whole batch in and returns its signals, as of the time of each event: one
round trip. To take the same event in twice changes nothing, so a redelivery does not count.
`ml/profile/cross_user_signals.py` computes the same signals offline.

    | key                      | Redis type  | content                                         |
    |--------------------------|-------------|-------------------------------------------------|
    | shared:d:<device hash>   | sorted set  | user hash -> first seen on it, in ms since 1970 |
    | shared:i:<ip hash>       | sorted set  | the same for an IP address                      |
    | shared:c:<card hash>     | sorted set  | the same for a card                             |
    | shared:m:<merchant>:b<n> | HyperLogLog | transactions of the merchant in bucket n        |
    | shared:m:<merchant>:d<n> | HyperLogLog | transactions of the merchant on day n           |
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

# An argument is one event: user, device, ip, card, time, merchant, transaction.
_FIELDS = "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$"
# A user who was seen within the span keeps the first time, and nothing else changes: this is the
# common case and costs two commands. LT keeps the earlier of two times.
OBSERVE = f"""
local answers = {{}}
local span, most = {FIRST_SEEN_SPAN_MS}, {MAX_USERS}
for _, event in ipairs(ARGV) do
  local user, device, ip, card, time, merchant, transaction = string.match(event, '{_FIELDS}')
  local now, hashes = tonumber(time), {{device, ip, card}}
  local oldest = now - span
  for index, kind in ipairs({{'d', 'i', 'c'}}) do
    local hash = hashes[index]
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
  local bucket_key, day_key = base .. 'b' .. bucket, base .. 'd' .. day
  if redis.call('PFADD', bucket_key, transaction) == 1 then
    redis.call('PEXPIRE', bucket_key, {3 * RATE_BUCKET_MS})
  end
  if redis.call('PFADD', day_key, transaction) == 1 then
    redis.call('PEXPIRE', day_key, {2 * DAY_MS})
  end
  answers[#answers + 1] = redis.call('PFCOUNT', bucket_key, base .. 'b' .. (bucket - 1))
  answers[#answers + 1] = redis.call('PFCOUNT', base .. 'd' .. (day - 1))
end
return answers
"""
# The same without taking anything in, for /score. The asked transaction itself counts as one.
_PEEK = f"""
local answers = {{}}
for _, event in ipairs(ARGV) do
  local user, device, ip, card, time, merchant, transaction = string.match(event, '{_FIELDS}')
  local now, hashes = tonumber(time), {{device, ip, card}}
  local oldest = now - {FIRST_SEEN_SPAN_MS}
  for index, kind in ipairs({{'d', 'i', 'c'}}) do
    local hash = hashes[index]
    local key = '{PREFIX}' .. kind .. ':' .. hash
    answers[#answers + 1] = hash == '0' and -1
      or redis.call('ZCOUNT', key, '(' .. oldest, '(' .. time)
  end
  local base = '{PREFIX}m:' .. merchant .. ':'
  local bucket, day = math.floor(now / {RATE_BUCKET_MS}), math.floor(now / {DAY_MS})
  local lately = redis.call('PFCOUNT', base .. 'b' .. bucket, base .. 'b' .. (bucket - 1))
  answers[#answers + 1] = lately + 1
  answers[#answers + 1] = redis.call('PFCOUNT', base .. 'd' .. (day - 1))
end
return answers
"""
_ANSWERS_PER_EVENT = 5
"""Users of the device, of the IP address and of the card, -1 for a missing field; transactions of
the merchant in the current and the last bucket, and on the day before.
"""
READY_S = 1.0
"""Longest wait for Redis before the first batch; scoring then starts without it."""


class SignalStore:
    """The shared memory of all workers. Without an answer in time, the signals are missing."""

    def __init__(self, redis: RedisClient, deadline_ms: float) -> None:
        self._redis = redis
        self._deadline_s = deadline_ms / 1000
        self._observe = redis.script(OBSERVE)
        # Over the pool: API requests run side by side, and one connection serves one at a time.
        self._peek = redis.client.register_script(_PEEK)

    async def get_ready(self) -> None:
        """Connect and load the script, which would cost the first transactions their deadline."""
        with suppress(RedisUnavailable):
            await self._redis.call(self._observe([]), READY_S)

    async def observe(self, events: Sequence[tuple[Event, int]]) -> list[Signals] | None:
        """Take events in, each with its user's hash, and return their signals in the same order.

        None when Redis did not answer in time.
        """
        return await self._ask(self._observe, events)

    async def peek(self, events: Sequence[tuple[Event, int]]) -> list[Signals] | None:
        """The signals that these events would get, without taking them in. None as above."""
        return await self._ask(lambda arguments: self._peek(args=arguments), events)

    async def _ask(
        self, script: Callable[[Sequence[str]], Awaitable[Any]], events: Sequence[tuple[Event, int]]
    ) -> list[Signals] | None:
        if not events:
            return []
        try:
            answer = await self._redis.call(script(arguments(events)), self._deadline_s)
        except RedisUnavailable:
            return None
        return answers(answer)


def arguments(events: Sequence[tuple[Event, int]]) -> list[str]:
    """The arguments of the scripts: one for each event and the hash of its user."""
    return [
        f"{user} {event.device} {event.ip} {event.card} {event.received_ms}"
        f" {event.merchant} {event.id_hash ^ user}"  # two customers may have the same id
        for event, user in events
    ]


def answers(answer: Sequence[int]) -> list[Signals]:
    """The signals in an answer of the scripts, one for each event."""
    return [
        _signals(answer[start : start + _ANSWERS_PER_EVENT])
        for start in range(0, len(answer), _ANSWERS_PER_EVENT)
    ]


def _signals(answer: Sequence[int]) -> Signals:
    device, ip, card, recent, yesterday = answer
    rate = merchant_rate(recent, yesterday)
    return Signals(_nan_if_missing(device), _nan_if_missing(ip), _nan_if_missing(card), rate)


def _nan_if_missing(count: int) -> float:
    return math.nan if count < 0 else float(count)
